"""The only place that reads the time. Formatting for people is not here."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_moved_ns = 0


def now_ns() -> int:
    """Nanoseconds since 1970-01-01 UTC."""
    return time.time_ns() + _moved_ns


def now() -> datetime:
    """The aware UTC time, to the microsecond."""
    return _EPOCH + timedelta(microseconds=now_ns() // 1_000)


def now_ms() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return now_ns() // 1_000_000


def monotonic() -> float:
    """Seconds that never run backwards, for deadlines and durations."""
    return time.monotonic() + _moved_ns / 1e9


def cpu() -> float:
    """Seconds of processor time that this process has used, over all its threads."""
    return time.process_time()


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-22T09:30:00.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def moved(by_s: float) -> Iterator[None]:
    """Let the whole process see the time `by_s` seconds away from the real one, for as long as the block lasts."""
    global _moved_ns  # one process has one clock
    before = _moved_ns
    _moved_ns = before + int(by_s * 1e9)
    try:
        yield
    finally:
        _moved_ns = before
