"""The pool of database connections: SQLAlchemy's, with a fair queue in front. Its sizes are in `engine`."""

from __future__ import annotations

from collections import deque
from typing import Any

from gevent.event import Event
from sqlalchemy import exc as sa_exc
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool


class Turns:
    """So many at once, the others in the order in which they came.

    A lock of the standard library lets whoever runs just now overtake those who wait: under load some wait for ever.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[Event] = deque()

    def take(self, timeout_s: float) -> bool:
        """Wait for a turn; False when none came in time."""
        if self._free:
            self._free -= 1
            return True
        mine = Event()
        self._waiting.append(mine)
        try:
            if mine.wait(timeout_s):
                return True
        except BaseException:
            self._give_up(mine)
            raise
        return self._give_up(mine, keep=True)

    def give(self) -> None:
        """Pass the turn on to who waits longest."""
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._free += 1

    def _give_up(self, mine: Event, *, keep: bool = False) -> bool:
        """Leave the queue; True when the turn came in this very moment and is kept."""
        if not mine.is_set():
            self._waiting.remove(mine)
            return False
        if not keep:
            self.give()
        return keep


class FairPool(QueuePool):
    """`QueuePool` in which who waits longest is served next."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._turns = Turns(self.size() + self._max_overflow)

    def _do_get(self) -> ConnectionPoolEntry:
        if not self._turns.take(self._timeout):
            raise sa_exc.TimeoutError(f"no connection to the database was free within {self._timeout:g} s")
        try:
            return super()._do_get()
        except BaseException:
            self._turns.give()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        try:
            super()._do_return_conn(record)
        finally:
            self._turns.give()
