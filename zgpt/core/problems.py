"""Every fault of a request becomes an answer: a problem document (RFC 9457), or a plain page for a browser's visit."""

from http import HTTPStatus
from typing import Any, cast

import structlog
from flask import Flask, Response, current_app, request
from flask_limiter import RateLimitExceeded
from markupsafe import escape
from sqlalchemy import exc as sa_exc
from werkzeug.exceptions import HTTPException

from zgpt.core import limits
from zgpt.core.db import is_trouble
from zgpt.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)

MEDIA_TYPE = "application/problem+json"
PAGE_TYPE = "text/html"
_KNOWN: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (BadRequest, Unauthorized, Forbidden, NotFound, TooLarge, UnsupportedMedia, Invalid, Unavailable)
}
_WORDS = {
    405: ("method_not_allowed", "This address does not take that method; the header Allow names those it takes."),
    414: ("uri_too_long", "The address is too long."),
    431: ("headers_too_large", "The headers of the request are too large."),
}

log = structlog.get_logger(__name__)


def install_problems(app: Flask) -> None:
    """Answer every fault in words."""
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(RateLimitExceeded, _too_often)
    app.register_error_handler(HTTPException, _http_fault)
    app.register_error_handler(sa_exc.SQLAlchemyError, _database_fault)


def problem_response(problem: Problem) -> Response:
    """The answer for a problem; `Retry-After` in whole seconds, rounded up."""
    response = _page(problem) if _is_visit() else _document(problem)
    response.status_code = problem.status
    if problem.retry_after_ms is not None:
        response.headers["Retry-After"] = str(-(-problem.retry_after_ms // 1_000))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def problem_json(problem: Problem) -> dict[str, Any]:
    """The members of the problem document (RFC 9457 §3.1); `errors` and `retry_after_ms` where there are any."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.message,
        "code": problem.code,
        "retryable": problem.retryable,
    }
    if problem.errors:
        document["errors"] = problem.errors
    if problem.retry_after_ms is not None:
        document["retry_after_ms"] = problem.retry_after_ms
    return document


def _is_visit() -> bool:
    """Whether a browser shows the answer as a page: it names HTML, while programs take anything."""
    chosen = request.accept_mimetypes.best_match([MEDIA_TYPE, PAGE_TYPE])
    return not request.path.startswith("/api/") and chosen == PAGE_TYPE


def _document(problem: Problem) -> Response:
    return Response(current_app.json.dumps(problem_json(problem)), content_type=MEDIA_TYPE)


def _page(problem: Problem) -> Response:
    title = HTTPStatus(problem.status).phrase
    return Response(
        f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><p>{escape(problem.message)}</p>"
    )


def _too_often(error: RateLimitExceeded) -> Response:
    current = limits.limiter.current_limit
    scope = error.limit.scope_for(request.endpoint or "", None)
    return problem_response(limits.rate_limited(scope, current.reset_at if current else 0))


def _http_fault(error: HTTPException) -> Response:
    """Werkzeug's own faults, with the headers that belong to them (`Allow`, `Location` …)."""
    if error.response is not None or (error.code or 500) < HTTPStatus.BAD_REQUEST:
        return cast("Response", Response.force_type(error.get_response(), request.environ))
    response = problem_response(_from_http(error))
    for name, value in error.get_headers():
        if name not in {"Content-Type", "Content-Length"}:
            response.headers.setdefault(name, value)
    return response


def _from_http(error: HTTPException) -> Problem:
    status = error.code or 500
    if status in _KNOWN:
        return _KNOWN[status]()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem()
    code, message = _WORDS.get(status, (error.name.lower().replace(" ", "_"), error.description or error.name))
    return Problem(message, code=code, status=status)


def _database_fault(error: sa_exc.SQLAlchemyError) -> Response:
    """What the database refused, as the caller may read it; a fault of our own SQL goes on and becomes a 500."""
    problem = _from_database(error)
    if problem is None:
        raise error
    log.warning(
        "database_refused",
        code=problem.code,
        error=type(error).__name__,
        detail=_first_line(getattr(error, "orig", "")),
    )
    return problem_response(problem)


def _first_line(error: object) -> str:
    """What PostgreSQL says; its second line (DETAIL) quotes the values of the row."""
    return str(error).partition("\n")[0]


def _from_database(error: sa_exc.SQLAlchemyError) -> Problem | None:
    match error:
        case sa_exc.IntegrityError():
            return Conflict()
        case sa_exc.DataError():
            return Invalid("Some text or number in this cannot be kept by the database.")
    return Unavailable() if is_trouble(error) else None
