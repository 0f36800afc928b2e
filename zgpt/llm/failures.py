"""Refusals and errors of a model server in words: from an HTTP answer or an error event to a ProviderError. Pure."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime

from zgpt.core import clock

from . import base
from .base import ProviderError
from .body import Head

MAX_WORDS = 300  # of the server's own words, in characters
MAX_RETRY_AFTER_S = 3600.0
MIN_SECRET_CHARACTERS = 6  # a shorter one is no secret, and may be part of any word
_TOO_LONG = re.compile(
    r"exceed_context_size|context_length_exceeded|context length|context size|context window|prompt is too long",
    re.IGNORECASE,
)
_TAGS = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


def from_answer(head: Head, body: bytes, secret: str | None) -> ProviderError:
    """What a status other than 200, or a 200 that is no event stream, means. `secret` never shows in the message."""
    words = _hide(_words(head, body), secret)
    status = head.status
    if status in (401, 403):
        text = f"The model server refused the key (HTTP {status}). Check LLM_API_KEY."
        return ProviderError(base.REFUSED_KEY, text, retryable=False)
    if _TOO_LONG.search(body.decode("utf-8", "replace")) and status in (400, 413, 422, 500):
        return too_long(words)
    if status == 429:
        text = _join("The model server has too much to do (HTTP 429). Try again in a moment.", words)
        return ProviderError(base.RATE_LIMITED, text, retryable=True, retry_after_s=_retry_after_s(head))
    if status >= 500:
        text = _join(f"The model server failed (HTTP {status}). Try again.", words)
        return ProviderError(base.FAILED, text, retryable=True, retry_after_s=_retry_after_s(head))
    if status >= 300:
        return _rejected(status, words)
    return _no_stream(head, words, body)


def from_event(error: object, secret: str | None) -> ProviderError:
    """An `error` inside the stream: a string, or an object with `message`, `type` or `code`."""
    words = _hide(_trim(_error_words(error)), secret)
    if _TOO_LONG.search(json.dumps(error)):
        return too_long(words)
    return ProviderError(base.FAILED, _join("The model server broke off with an error.", words), retryable=True)


def too_long(words: str) -> ProviderError:
    """The prompt is larger than the model's context."""
    text = "The conversation is longer than the model can read. Start a new one, or lower LLM_CONTEXT_TOKENS."
    return ProviderError(base.CONTEXT_TOO_LONG, _join(text, words), retryable=False)


def garbage(why: str) -> ProviderError:
    """The answer cannot be read; `why` continues “The model server's answer cannot be read: …”."""
    return ProviderError(base.GARBAGE, f"The model server's answer cannot be read: {why}.", retryable=True)


def cut(*, began: bool) -> ProviderError:
    """The connection ended before the answer did."""
    text = "The model server broke off in mid-answer." if began else "The model server closed without an answer."
    return ProviderError(base.CUT, f"{text} Try again.", retryable=True)


def late(what: str, after_s: float) -> ProviderError:
    """Nothing came in time; `what` is what it did not do."""
    return ProviderError(
        base.TIMEOUT, f"The model server did not {what} within {round(after_s, 1):g} s. Try again.", retryable=True
    )


def _rejected(status: int, words: str) -> ProviderError:
    if status >= 400:
        return ProviderError(base.REJECTED, _join(f"The model server refused (HTTP {status}).", words), retryable=False)
    text = f"The model server sent us elsewhere (HTTP {status}), which is not followed. Check LLM_BASE_URL."
    return ProviderError(base.REJECTED, text, retryable=False)


def _no_stream(head: Head, words: str, body: bytes) -> ProviderError:
    if not body:
        return cut(began=False)
    if "html" in head.media_type or body.lstrip()[:1] == b"<":
        text = "The model server answered with a web page, not with an answer. Check LLM_BASE_URL."
        return ProviderError(base.GARBAGE, text, retryable=False)
    return garbage(_join("it is not an event stream", words))


def _words(head: Head, body: bytes) -> str:
    """The server's own words: an error object's message, or the text of a page without its tags."""
    text = body.decode("utf-8", "replace")
    try:
        return _trim(_error_words(json.loads(text)))
    except (ValueError, RecursionError):
        return _trim(_TAGS.sub(" ", text) if "html" in head.media_type or "<html" in text.lower() else text)


def _error_words(value: object) -> str:
    """The message inside the shapes that servers use: {error: {message}}, {error}, {message}, {detail}, a string."""
    for _ in range(4):
        if not isinstance(value, dict):
            break
        value = next((value[key] for key in ("error", "message", "detail", "type", "code") if value.get(key)), "")
    return value if isinstance(value, str) else ""


def _trim(text: str) -> str:
    # What no encoder takes (lone surrogates) and what no reader needs (control characters) goes.
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = " ".join(text.split())
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1] + "…"


def _hide(text: str, secret: str | None) -> str:
    return text.replace(secret, "…") if secret and len(secret) >= MIN_SECRET_CHARACTERS else text


def _join(text: str, words: str) -> str:
    return f"{text} It says: “{words}”" if words else text


def _retry_after_s(head: Head) -> float | None:
    """RFC 9110 §10.2.3: seconds or a date; None when absent, senseless or past."""
    value = head.headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - clock.now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(seconds, MAX_RETRY_AFTER_S) if seconds >= 0 else None
