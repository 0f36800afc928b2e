"""Server-Sent Events as bytes, and the position that stands in their `id`; pure (HTML Living Standard §9.2.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from zgpt.core.errors import Invalid

MEDIA_TYPE: Final = "text/event-stream"
RETRY_MS: Final = 2_000
HEARTBEAT: Final = b":\n\n"
"""A comment: it keeps proxies from taking the silence for an end."""
OPENING: Final = b"retry: %d\n\n" % RETRY_MS
POSITION_PATTERN: Final = r"^([0-9]{1,9}-[0-9]{1,10}-[0-9]{1,10})?$"
"""What a position looks like, for the document of the API; nothing is one as well."""
_POSITION: Final = re.compile(r"(\d{1,9})-(\d{1,10})-(\d{1,10})", re.ASCII)


def encode(kind: str, position: str, payload: bytes) -> bytes:
    """One event; `payload` is JSON without line breaks."""
    return b"event: %s\nid: %s\ndata: %s\n\n" % (kind.encode(), position.encode(), payload)


def position(epoch: int, at: Mapping[str, int]) -> str:
    """Where a viewer is: the epoch, and the offsets in the reasoning and in the text. Opaque to clients."""
    return f"{epoch}-{at['reasoning']}-{at['text']}"


def parse_position(text: str) -> dict[str, tuple[int, int]]:
    """What a viewer at this position holds, by part; nothing for an empty text. Raises Invalid for what is none."""
    if not text:
        return {}
    found = _POSITION.fullmatch(text)
    if found is None:
        raise Invalid("This is no position in an answer. Send the id of the last event, or none.")
    epoch, reasoning, written = map(int, found.groups())
    return {"reasoning": (epoch, reasoning), "text": (epoch, written)}
