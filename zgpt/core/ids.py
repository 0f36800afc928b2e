"""Makes and checks ids: UUIDv7, so that they sort by the time of their making. Secrets are not made here."""

import secrets
import threading
import uuid

from zgpt.core import clock

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_TICKS_PER_MS = 1 << 12

_lock = threading.Lock()
_last_tick = 0


def new_id() -> str:
    """A UUIDv7 of 36 characters; ids made in this process always rise (RFC 9562 §6.2, method 3)."""
    tick = _next_tick()
    millis, fraction = divmod(tick, _TICKS_PER_MS)
    number = (millis & (1 << 48) - 1) << 80 | _VERSION_7 | fraction << 64 | _VARIANT | secrets.randbits(62)
    return str(uuid.UUID(int=number))


def parse_id(text: str) -> str:
    """The canonical 36 characters of any UUID; raises ValueError for anything else."""
    if len(text) != 36:
        raise ValueError("an id has 36 characters")
    return str(uuid.UUID(text))


def _next_tick() -> int:
    global _last_tick  # ids rise over the whole process
    with _lock:
        _last_tick = max(_last_tick + 1, clock.now_ns() * _TICKS_PER_MS // 1_000_000)
        return _last_tick
