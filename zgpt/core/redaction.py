"""What must never stand in a log: secrets are replaced, long values cut, control characters made visible. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_CHARS = 2_000
MAX_TRACE_CHARS = 16_000
MAX_ITEMS = 50
MAX_DEPTH = 6
HIDDEN = "[redacted]"

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|secret|token|authorization|cookie|api_?key|jwt|credential", re.IGNORECASE
)
_SECRETS = (
    re.compile(r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"),  # a JWT
    re.compile(r"(?i)(?<=bearer )[^\s\"',;]+"),
    re.compile(r"\bsk-[\w-]{8,}"),  # an API key, as most model servers write them
    re.compile(r"\bzgpt_[\w-]{40,}"),  # our own API keys
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),  # user:password in a URL
    re.compile(r"(?i)(?<=[?&])(?:token|key|secret|password)=[^&\s\"']+"),
    re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"),  # an e-mail address
)
# Not within an id, whose groups may hold digits only.
_DIGITS = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])")
# C0, DEL, C1, line separators, and what turns the direction of writing: they forge lines and move cursors.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def clean(name: str, value: Any, depth: int = 0) -> Any:
    """The value as it may be logged under this name; shapes that JSON lacks become text."""
    if _SECRET_NAME.search(name) and isinstance(value, str | bytes):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {str(key)[:100]: clean(str(key), item, depth + 1) for key, item in list(value.items())[:MAX_ITEMS]}
    if depth < MAX_DEPTH and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [clean(name, item, depth + 1) for item in value[:MAX_ITEMS]]
    return hide_secrets(cut(str(value), MAX_TRACE_CHARS if name == "exception" else MAX_CHARS))


def hide_secrets(text: str) -> str:
    """The text without what looks like a token, an API key, a password in a URL, an e-mail or a card number."""
    for secret in _SECRETS:
        text = secret.sub(HIDDEN, text)
    return _DIGITS.sub(_without_card, text)


def _without_card(found: re.Match[str]) -> str:
    """The digits, unless their sum is that of a card number (Luhn, ISO/IEC 7812-1)."""
    digits = [int(char) for char in found.group() if char.isdigit()]
    doubled = (digit if place % 2 == 0 else 2 * digit - 9 * (digit > 4) for place, digit in enumerate(reversed(digits)))
    return HIDDEN if sum(doubled) % 10 == 0 else found.group()


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of the text, and how many more there were."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more)"


def visible(text: str) -> str:
    """The text with characters that a terminal would obey written as escapes."""
    return _INVISIBLE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
