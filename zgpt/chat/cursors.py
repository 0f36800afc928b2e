"""Opaque places in a list: what `before` and `after` carry. They prove nothing: every query is scoped by its owner."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from zgpt.chat.models import ChatSession
from zgpt.core.errors import Invalid
from zgpt.core.ids import parse_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MAX_CURSOR_CHARS = 128


@dataclass(frozen=True, slots=True)
class SessionCursor:
    """The last session of a page: its activity, to the microsecond, and its id."""

    updated_at: datetime
    id: str


def encode_session_cursor(session: ChatSession) -> str:
    """The cursor that the page after this session begins at."""
    return _encode(f"{(session.updated_at - _EPOCH) // _MICROSECOND}.{session.id}")


def parse_session_cursor(text: str) -> SessionCursor:
    """The place that a cursor names; Invalid when it is none of ours."""
    try:
        micros, _, session_id = _decode(text).partition(".")
        return SessionCursor(_EPOCH + int(micros) * _MICROSECOND, parse_id(session_id))
    except (ValueError, OverflowError):
        raise _not_ours() from None


def encode_message_cursor(message_id: str) -> str:
    """The cursor that the page next to this message begins at."""
    return _encode(message_id)


def parse_message_cursor(text: str) -> str:
    """The message id that a cursor names; Invalid when it is none of ours."""
    try:
        return parse_id(_decode(text))
    except ValueError:
        raise _not_ours() from None


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(text: str) -> str:
    if len(text) > MAX_CURSOR_CHARS:
        raise ValueError("a cursor is shorter")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        raise ValueError("no base64url") from None


def _not_ours() -> Invalid:
    return Invalid("The cursor is not one that this list gave. Begin again without it.", code="invalid")
