"""Faults in words: one exception for REST and for the WebSocket. How HTTP shows them is in `problems`."""

from typing import TypedDict


class FieldError(TypedDict):
    """One wrong field: its dotted place in the input, and what is wrong with it."""

    field: str
    message: str


class Problem(Exception):  # named after RFC 9457
    """A fault that the caller may read: a stable `code`, a status, and words that say the cause and the next step."""

    code = "internal"
    status = 500
    message = "Something broke on our side. Try again; if it stays, tell the operator."
    retryable = False

    def __init__(  # all but the words are by name
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        status: int | None = None,
        retryable: bool | None = None,
        retry_after_ms: int | None = None,
        errors: list[FieldError] | None = None,
    ) -> None:
        kind = type(self)
        self.code = code or kind.code
        self.status = status or kind.status
        self.message = message or kind.message
        self.retryable = kind.retryable if retryable is None else retryable
        self.retry_after_ms = retry_after_ms
        self.errors = errors or []
        super().__init__(self.message)


class BadRequest(Problem):
    """What was sent cannot be read."""

    code, status, message = "bad_request", 400, "The request could not be read."


class Unauthorized(Problem):
    """Nobody is signed in, or no longer."""

    code, status, message = "unauthorized", 401, "Sign in to do this."


class Forbidden(Problem):
    """Signed in, but not for this."""

    code, status, message = "forbidden", 403, "You may not do this."


class NotFound(Problem):
    """There is no such thing for this caller; also the answer to another user's id."""

    code, status, message = "not_found", 404, "There is nothing here, or it is not yours."


class Conflict(Problem):
    """What is there does not allow it."""

    code, status, message = "conflict", 409, "This does not fit what is there now. Load it again and retry."


class TooLarge(Problem):
    """More bytes than are taken."""

    code, status, message = "too_large", 413, "This is too large. Send less at once."


class UnsupportedMedia(Problem):
    """Not JSON by its content type."""

    code, status = "unsupported_media_type", 415
    message = "Send JSON, with the header Content-Type: application/json."


class Invalid(Problem):
    """Readable, but some values are wrong; `errors` says which."""

    code, status, message = "invalid", 422, "Some fields are not right."


class RateLimited(Problem):
    """Too often; `retry_after_ms` says when again."""

    code, status, message = "rate_limited", 429, "That was too often. Wait a moment and try again."
    retryable = True


class Unavailable(Problem):
    """The database, Redis or the model does not answer."""

    code, status, message = "unavailable", 503, "A part of the server does not answer. Nothing was changed; try again."
    retryable = True
