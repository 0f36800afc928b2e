"""One log line per HTTP request, and the id that ties all its lines together. Query strings are never logged."""

import re

import structlog
from flask import Flask, Response, g, request

from zgpt.core import callers, clock, ids
from zgpt.core.config import settings

HEADER = "X-Request-ID"
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_QUIET = {"/healthz", "/readyz", "/metrics"}

log = structlog.get_logger("zgpt.http")


def install_request_log(app: Flask) -> None:
    """Log every request of this app."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.started_s = clock.monotonic()
    g.request_id = _request_id()
    # A kept-alive connection serves many requests in one greenlet: nothing of the last one may stay.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _request_id() -> str:
    """The proxy's id, if we trust one; else a new one."""
    given = request.headers.get(HEADER, "")
    if settings().trusted_proxies and _GOOD_ID.fullmatch(given):
        return given
    return ids.new_id()


def _end(response: Response) -> Response:
    response.headers[HEADER] = g.get("request_id", "")
    write = log.debug if request.path in _QUIET or request.path.startswith("/static/") else log.info
    write(
        "request",
        method=request.method,
        path=request.path,
        route=str(request.url_rule or ""),
        status=response.status_code,
        ms=round((clock.monotonic() - g.get("started_s", clock.monotonic())) * 1_000, 1),
        user_id=callers.user_id(),
        ip=callers.address(),
    )
    return response
