"""Whether this process has grown beyond WORKER_MEMORY_MB. What follows from it is the worker's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from zgpt.core import clock

LOOK_S: Final = 10.0
"""A process grows over hours; a look costs microseconds."""
_STATM: Final = Path("/proc/self/statm")
_MEBIBYTE: Final = 1 << 20


class Watch:
    """Looks about each 10 s. Without a limit, or where the kernel does not tell (not on Linux), it is never over."""

    def __init__(self) -> None:
        limit = os.environ.get("WORKER_MEMORY_MB") or ""
        self._limit_bytes = int(limit) * _MEBIBYTE if limit.isdigit() else 0
        self._looked_s = clock.monotonic()

    def is_over(self) -> bool:
        """Whether it was above the limit at a look that was due."""
        now_s = clock.monotonic()
        if not self._limit_bytes or now_s - self._looked_s < LOOK_S:
            return False
        self._looked_s = now_s
        return resident_bytes() > self._limit_bytes


def resident_bytes() -> int:
    """The memory that this process holds; 0 where it cannot be known."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
