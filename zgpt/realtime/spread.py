"""Spreads connections evenly over the workers of one master: who has clearly more than another lets that one accept.

All workers wait on one listening socket, and the kernel gives a connection to whoever comes first: the worker that was
up first, or is least busy at this moment, would keep most of them for hours. Each worker writes how many it holds into
memory that all share; nobody waits long, and nobody waits for a worker that is stuck. Not here: what a connection is.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import Any, Final

from gevent import get_hub
from gevent.server import StreamServer

from zgpt.core import clock

SLOTS: Final = 512
"""Twice as many workers as the settings allow: old and new ones live side by side while they are replaced."""
FRESH_MS: Final = 500
"""A worker that has not said for so long how many it holds is stuck or gone: nobody waits for it."""
BEAT_S: Final = 0.1
PAUSE_S: Final = 0.005
PATIENCE_S: Final = 0.1
NEXT_S: Final = 0.02
"""Whoever should accept has not for so long: then one is accepted here after all, and after this time the next."""
_SAME_QUEUE_S: Final = 10 * PAUSE_S
"""Not asked for so long, there was nothing to accept meanwhile: what waits then has just come."""
SLACK: Final = 8
SLACK_SHARE: Final = 16
"""A worker may hold eight, or a sixteenth, more than another before it holds back."""
YOUNG_S: Final = 10.0
YOUNG_WAITING_MOST: Final = 16
"""The first worker that is up after all were killed lets no more than these wait for it: the others will be up soon."""
ACCEPT_MOST: Final = 64
"""Per turn of the loop: who waits in the kernel's queue is alive now, and not when its page has given up."""
_FIELDS: Final = 2

_board: Final = memoryview(mmap.mmap(-1, SLOTS * _FIELDS * 8)).cast("q")
"""Made in the master, before the fork. Per worker: when it wrote last (ms, the clock of the machine), what it holds."""


class Share:
    """One worker's place on the board."""

    def __init__(self, age: int, workers: int, held: Callable[[], int], waiting: Callable[[], int]) -> None:
        """`age` numbers the master's workers; `held` counts this worker's clients, `waiting` those not served yet."""
        self._at = age % SLOTS * _FIELDS
        self._workers = workers
        self._held = held
        self._waiting = waiting
        self._since_s = clock.monotonic()
        self._refusing_since_s = self._refused_s = 0.0
        self._others_at: list[int] = []
        self._timer = get_hub().loop.timer(0, BEAT_S, ref=False)
        self._timer.start(self._beat)

    def close(self) -> None:
        """This worker accepts nobody any more."""
        self._timer.close()
        _board[self._at] = 0

    def is_mine(self) -> bool:
        """Whether this worker should accept the connection that waits."""
        now_s = clock.monotonic()
        if self._is_fair(now_s):
            return True
        if now_s - self._refused_s > _SAME_QUEUE_S:
            self._refusing_since_s = now_s
        self._refused_s = now_s
        if now_s - self._refusing_since_s <= PATIENCE_S:
            return False
        # Not all that wait: of a crowd, a worker that has just started and is slow would get hardly any.
        self._refusing_since_s = now_s - PATIENCE_S + NEXT_S
        return True

    def _is_fair(self, now_s: float) -> bool:
        mine = _board[self._at + 1] = self._held()
        least = min((_board[at + 1] for at in self._others_at), default=None)
        if len(self._others_at) + 1 < self._workers and now_s - self._since_s < YOUNG_S:
            return self._waiting() < YOUNG_WAITING_MOST
        return least is None or mine <= least + max(SLACK, least // SLACK_SHARE)

    def _beat(self) -> None:
        now_ms = int(clock.monotonic() * 1_000)
        _board[self._at + 1] = self._held()
        _board[self._at] = now_ms
        times = _board[::_FIELDS].tolist()
        self._others_at = [
            slot * _FIELDS
            for slot, wrote_ms in enumerate(times)
            if wrote_ms > now_ms - FRESH_MS and slot * _FIELDS != self._at
        ]


class SharingServer(StreamServer):
    """gevent's server, which asks before it accepts."""

    def __init__(self, share: Share, listener: Any, handle: Callable[..., object], spawn: Any) -> None:
        super().__init__(listener, handle=handle, spawn=spawn)
        self.max_accept = ACCEPT_MOST
        self._share = share
        self._pause: Any = None

    def full(self) -> bool:
        """Called with a connection waiting; True stops the watching, until the pause is over."""
        if self._share.is_mine():
            return False
        self._pause = self.loop.timer(PAUSE_S)
        self._pause.start(self._go_on)
        return True

    def _go_on(self) -> None:
        self._pause.close()
        self._pause = None
        if self.started:
            self.start_accepting()
