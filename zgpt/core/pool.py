"""The pool of database connections: SQLAlchemy's, with a fair queue in front. Its sizes are in `engine`.

One that was idle for a while is asked whether it lives before it is lent (`pool_pre_ping`): a round trip each. One that
carried an answer a moment ago, and from which nothing has come since, is believed: a server that ends says so.
"""

from __future__ import annotations

import select
from collections import deque
from typing import Any, Final, cast

from gevent.event import Event
from gevent.monkey import get_original
from sqlalchemy import exc as sa_exc
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from zgpt.core import clock

BELIEVED_S: Final = 1.0
"""A server that vanished without a word is noticed by the next statement then, within its own time-out."""
_RETURNED: Final = "zgpt_returned_s"
_poll: Final = get_original("select", "poll")


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
            record: Any = super()._do_get()
            # So SQLAlchemy calls one that was made just now: it does not ask that either.
            record.fresh = record.fresh or _is_believed(record)
        except BaseException:
            self._turns.give()
            raise
        return cast("ConnectionPoolEntry", record)

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        try:
            record.info[_RETURNED] = clock.monotonic()
            super()._do_return_conn(record)
        finally:
            self._turns.give()


def _is_believed(record: Any) -> bool:
    """Whether it came back a moment ago and has been silent. SQLite is a file: there is nobody who could have gone."""
    connection = record.dbapi_connection
    if connection is None or clock.monotonic() - record.info.get(_RETURNED, 0.0) > BELIEVED_S:
        return False
    if not hasattr(connection, "fileno"):
        return True
    return not connection.closed and not _has_come(connection.fileno())


def _has_come(fd: int) -> bool:
    """Whether there is something to read, which nobody asked for: a last word, or the end."""
    waiting = _poll()
    waiting.register(fd, select.POLLIN)
    return bool(waiting.poll(0))
