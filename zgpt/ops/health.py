"""Health for machines: alive (`/healthz`), able to work (`/readyz`), and the numbers (`/metrics`)."""

import hmac
from ipaddress import ip_address

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client.exposition import choose_encoder
from pydantic import BaseModel

from zgpt.core import readiness
from zgpt.core.config import settings
from zgpt.core.errors import NotFound
from zgpt.core.metrics import registry_of
from zgpt.core.openapi import operation

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")

blueprint = Blueprint("health", __name__)


class Health(BaseModel):
    """How a process is; `failed` names the parts that do not work and the kind of their fault."""

    status: str
    failed: dict[str, str] = {}


@blueprint.get("/healthz")
@operation(summary="Is the process alive?", auth="none", responses={200: Health})
def healthz() -> ResponseReturnValue:
    """Asks nothing of the database, so that a slow one does not get the process killed."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@operation(summary="Can the process do its work?", auth="none", responses={200: Health, 503: Health})
def readyz() -> ResponseReturnValue:
    """Asks the database, and Redis where it is set: without Redis the process serves on from its memory (`degraded`).

    Were it called not ready then, a balancer would take every worker away at once.
    """
    failed = readiness.failures()
    if not failed:
        return {"status": "ready", "failed": failed}
    if not readiness.is_vital(failed):
        return {"status": "degraded", "failed": failed}
    return {"status": "not ready", "failed": failed}, 503


@blueprint.get("/metrics")
@operation(summary="Metrics for Prometheus", auth="operator", media_type="text/plain")
def metrics() -> ResponseReturnValue:
    """Answers only this machine, or who sends METRICS_TOKEN as bearer token; to others it is not there."""
    if not (_has_token() or _is_local()):
        raise NotFound
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry_of(current_app)), content_type=content_type)


def _has_token() -> bool:
    token = settings().metrics_token
    if token is None:
        return False
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), token.get_secret_value().encode())


def _is_local() -> bool:
    """Whether the request was made on this machine: what a proxy passes on comes from loopback too, but says so."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
