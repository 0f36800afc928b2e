"""`POST /api/v1/client-errors`: browsers tell of errors in the web app; they are counted and logged, never stored."""

from typing import Annotated

import structlog
from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import Field

from zgpt.core import callers, metrics
from zgpt.core.inputs import Body
from zgpt.core.limits import limited
from zgpt.core.openapi import operation

blueprint = Blueprint("client_errors", __name__, url_prefix="/api/v1")
log = structlog.get_logger("zgpt.client")


class ClientError(Body):
    """One error in a browser. What the person wrote does not belong into it; lengths are in characters."""

    message: Annotated[str, Field(min_length=1, max_length=1_000)]
    stack: Annotated[str, Field(max_length=8_000)] = ""
    path: Annotated[str, Field(max_length=500, description="The page's path, without its query.")] = ""
    version: Annotated[str, Field(max_length=64, description="The version of the web app.")] = ""
    kind: Annotated[str, Field(max_length=64)] = "error"


@blueprint.post("/client-errors")
@limited("client_errors")
@operation(summary="Report an error of the web app", auth="none", request=ClientError, responses={204: None})
def report(body: ClientError) -> ResponseReturnValue:
    """Open to all, for errors come before the sign-in too; hence few, and small."""
    metrics.CLIENT_ERRORS.inc()
    log.warning("client_error", user_id=callers.user_id(), **{f"client_{name}": value for name, value in body})
    return "", 204
