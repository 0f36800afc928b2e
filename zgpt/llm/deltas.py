"""What one event of a `/v1/chat/completions` stream says: typed, and only the fields that are used. Pure.

Servers differ in what surrounds them (nulls, missing lists, extra fields), so all of it may be absent.
"""

from __future__ import annotations

import json
import re

import msgspec

from .base import Usage

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


class Delta(msgspec.Struct, gc=False):
    """A piece of the answer; reasoning has two names in the wild."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers asked for; always the only one here."""

    delta: Delta | None = None
    finish_reason: str | None = None


class Counts(msgspec.Struct, gc=False):
    """`usage`, which some servers send with every event."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def usage(self) -> Usage:
        """The same as the rest of the server knows it."""
        return Usage(self.prompt_tokens or 0, self.completion_tokens or 0)


class Chunk(msgspec.Struct, gc=False):
    """One event. `error` is whatever the server puts there: an object or a string."""

    choices: list[Choice] | None = None
    usage: Counts | None = None
    error: object = None


_decode = msgspec.json.Decoder(Chunk).decode


def parse_chunk(data: bytes) -> Chunk:
    """Decode one event's data; raises ValueError for what is no JSON or has other types."""
    try:
        return _decode(data)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Lone surrogate escapes, and bytes that are no UTF-8. The strict decoder refuses them; they become U+FFFD.
        return msgspec.convert(json.loads(data.decode("utf-8", "replace")), Chunk)


def to_utf8(text: str) -> bytes:
    """`text` as UTF-8; a lone surrogate becomes U+FFFD, for it has no UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATES.sub("\ufffd", text).encode()
