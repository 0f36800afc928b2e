"""The route of an export, and all of `zgpt.privacy` registered at once. Deleting an account is a route of accounts."""

from functools import partial
from typing import Literal

from flask import Blueprint, Flask, Response, stream_with_context
from flask.typing import ResponseReturnValue

from zgpt.auth.access import require_identity, signed_in
from zgpt.core.chores import add_chore
from zgpt.core.inputs import Query
from zgpt.core.limits import limited
from zgpt.core.openapi import operation
from zgpt.privacy import commands, queries
from zgpt.privacy.actions import note_export, prune
from zgpt.privacy.export import belongings_of, stream
from zgpt.privacy.formats import MEDIA_TYPES, file_name

PRUNE_EVERY_S = 3_600.0

blueprint = Blueprint("privacy", __name__, url_prefix="/api/v1/auth/me")


class ExportQuery(Query):
    """In which form."""

    format: Literal["json", "markdown"] = "json"


def register(app: Flask) -> None:
    """Add the route, the commands and the chore to the app."""
    app.register_blueprint(blueprint)
    commands.register(app)
    add_chore(app, "prune", PRUNE_EVERY_S, prune)


@blueprint.get("/export")
@signed_in
@limited("export")
@operation(summary="Export everything of mine", query=ExportQuery, responses={200: None}, problems=(404, 429, 503))
def export(query: ExportQuery) -> ResponseReturnValue:
    """The account, devices, keys, sessions with all messages, and what the audit log tells, as one file.

    With `format=markdown` it is for reading. Secrets and hashes of them are not in it. An answer that breaks off is no
    whole file.
    """
    identity = require_identity()
    belongings = belongings_of(identity.user_id)
    note_export(identity.user_id, query.format, by="user")
    may_go_on = partial(queries.is_signed_in, identity.user_id, identity.login_id)
    body = stream_with_context(stream(query.format, belongings, may_go_on))
    answer = Response(body, content_type=MEDIA_TYPES[query.format])
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name(query.format, belongings.made_at)}"'
    return answer
