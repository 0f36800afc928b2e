"""Heartbeats and deadlines of all connections by one timer of the loop; no sockets.

A connection is looked at only when its turn may have come: it sits in the bucket of the tick at which its silence
could be long enough, and moves on when it was not. Traffic only stamps the connection with the current tick, so it
costs nothing here. Ticks are counted, not read from a clock: when this process was held up, its clients are not blamed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from gevent._types import _Loop, _TimerWatcher

    from zgpt.realtime.outbox import Outbox

TICK_S: Final = 1.0
_LEAST_PER_TICK: Final = 256
_SHARE_PER_TICK: Final = 8
log = structlog.get_logger(__name__)


class Ticker:
    """Calls `beat` on connections when a heartbeat may be due and `expire` when their deadline has passed."""

    __slots__ = ("_deadlines", "_loop", "_members", "_tick_s", "_timer", "_wheel", "now")

    def __init__(self, loop: _Loop, tick_s: float = TICK_S) -> None:
        self.now = 1
        self._loop = loop
        self._tick_s = tick_s
        self._timer: _TimerWatcher | None = None
        self._wheel: dict[int, list[Outbox]] = {}
        self._deadlines: dict[Outbox, int] = {}
        self._members = 0

    def ticks(self, seconds: float) -> int:
        """How many ticks a duration takes, at least one."""
        return max(1, math.ceil(seconds / self._tick_s))

    def seconds_since(self, tick: int) -> float:
        """How long ago a tick was, to one tick."""
        return (self.now - tick) * self._tick_s

    def join(self, connection: Outbox, first_beat: int) -> None:
        """Look at this connection from tick `first_beat` on. The timer runs only while there are members."""
        self._members += 1
        self._wheel.setdefault(first_beat, []).append(connection)
        if self._timer is None:
            self._timer = self._loop.timer(self._tick_s, self._tick_s, ref=False)
            self._timer.start(self.tick)

    def leave(self, connection: Outbox) -> None:
        """Forget this connection; its place in the wheel goes when the wheel gets there."""
        self._members -= 1
        self._deadlines.pop(connection, None)
        if not self._members and self._timer is not None:
            self._timer.close()
            self._timer = None
            self._wheel.clear()

    def set_deadline(self, connection: Outbox, ticks: int) -> None:
        """Call `expire` after so many ticks, unless it is moved or cleared before."""
        self._deadlines[connection] = self.now + ticks

    def clear_deadline(self, connection: Outbox) -> None:
        """Its deadline does not matter any more."""
        self._deadlines.pop(connection, None)

    def tick(self) -> None:
        """One step of time."""
        self.now += 1
        late = [connection for connection, tick in self._deadlines.items() if tick <= self.now]
        for connection in late:
            # The end of another one may have taken it along.
            if self._deadlines.pop(connection, None):
                _look_at(connection, connection.expire)
        self._beat(self._wheel.pop(self.now, []))

    def _beat(self, due: list[Outbox]) -> None:
        # After a restart all clients come back within seconds; their pings must not all leave in one pass of the loop.
        most = max(_LEAST_PER_TICK, self._members // _SHARE_PER_TICK)
        for connection in due[:most]:
            if next_tick := _look_at(connection, connection.beat, self.now):
                self._wheel.setdefault(next_tick, []).append(connection)
        if len(due) > most:
            self._wheel.setdefault(self.now + 1, []).extend(due[most:])


def _look_at(connection: Outbox, act: Callable[..., int | None], *args: int) -> int | None:
    try:
        return act(*args)
    except Exception:
        # Those behind it would never be looked at again.
        log.exception("connection_failed", kind=type(connection).__name__)
        return None
