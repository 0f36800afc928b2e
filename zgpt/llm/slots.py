"""How many answers a model writes at once, and who is next: fair to users, not to runs. Nothing is run here."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
import structlog
from gevent.event import Event

from zgpt.core.errors import Unavailable

MAX_WAITING = 1000
PLACES_EVERY_S = 0.5
"""With many waiting, one that leaves moves all the others: they are told at most this often."""

OnPlace = Callable[[int], None]

log = structlog.get_logger(__name__)


class _Waiter:
    __slots__ = ("key", "may_go", "on_place", "place", "settled", "user_id")

    def __init__(self, key: str, user_id: str, on_place: OnPlace) -> None:
        self.key = key
        self.user_id = user_id
        self.on_place = on_place
        self.place = 0  # the last one told
        self.may_go = False
        self.settled = Event()


class Slots:
    """`count` turns at a time. Who waits is served round robin over users, in order of arrival within one user."""

    def __init__(self, count: int, max_waiting: int = MAX_WAITING) -> None:
        self.count = count
        self._free = count
        self._max_waiting = max_waiting
        self._queues: OrderedDict[str, deque[_Waiter]] = OrderedDict()
        self._by_key: dict[str, _Waiter] = {}
        self._telling = False

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return len(self._by_key)

    @property
    def running(self) -> int:
        """How many have a turn."""
        return self.count - self._free

    @contextmanager
    def turn(self, key: str, user_id: str, on_place: OnPlace) -> Iterator[bool]:
        """Wait for a turn, and have it for as long as the block lasts; False when `cancel(key)` came first.

        `on_place` hears 1 for the next one to be served, and again whenever the place changes; nothing when a slot is
        free. Raises Unavailable (`busy`) when too many wait.
        """
        if self._free:
            self._free -= 1
        elif not self._wait(_Waiter(key, user_id, on_place)):
            yield False
            return
        try:
            yield True
        finally:
            self._pass_on()

    def place_of(self, key: str) -> int | None:
        """The place that was last told to the one who waits under this key; None when nobody does."""
        waiter = self._by_key.get(key)
        return waiter.place if waiter is not None else None

    def cancel(self, key: str) -> None:
        """Let the one that waits under this key go, without a turn; nothing if nobody does."""
        waiter = self._by_key.get(key)
        if waiter is not None:
            self._remove(waiter)
            waiter.settled.set()

    def _wait(self, waiter: _Waiter) -> bool:
        if self.waiting >= self._max_waiting:
            raise Unavailable(
                "Too many answers are waiting already. Try again in a moment.", code="busy", retry_after_ms=5000
            )
        self._queues.setdefault(waiter.user_id, deque()).append(waiter)
        self._by_key[waiter.key] = waiter
        try:
            self._tell_places()
            waiter.settled.wait()
        except BaseException:
            # Killed while waiting. It may have been given its turn a moment ago: that goes to the next one.
            self._remove(waiter)
            if waiter.may_go:
                self._pass_on()
            raise
        return waiter.may_go

    def _pass_on(self) -> None:
        """Give a turn that is over to the next one who waits."""
        if not self._queues:
            self._free += 1
            return
        user_id, queue = next(iter(self._queues.items()))
        waiter = queue[0]
        self._queues.move_to_end(user_id)
        self._remove(waiter)
        waiter.may_go = True
        waiter.settled.set()

    def _remove(self, waiter: _Waiter) -> None:
        if self._by_key.get(waiter.key) is not waiter:
            return
        del self._by_key[waiter.key]
        queue = self._queues[waiter.user_id]
        queue.remove(waiter)
        if not queue:
            del self._queues[waiter.user_id]
        self._tell_places_soon()

    def _in_order(self) -> Iterator[_Waiter]:
        """Who waits, in the order in which they will be served if nobody else comes."""
        rows = [list(queue) for queue in self._queues.values()]
        for index in range(max(map(len, rows), default=0)):
            yield from (row[index] for row in rows if index < len(row))

    def _tell_places_soon(self) -> None:
        if not self._telling:
            self._telling = True
            gevent.spawn(self._tell_later)

    def _tell_later(self) -> None:
        # At once for the first change; those of the next moments are told together.
        self._tell_places()
        gevent.sleep(PLACES_EVERY_S)
        self._telling = False
        self._tell_places()

    def _tell_places(self) -> None:
        for place, waiter in enumerate(list(self._in_order()), start=1):
            if waiter.place == place or waiter.settled.is_set():
                continue
            waiter.place = place
            try:
                waiter.on_place(place)
            except Exception:
                # One waiter that cannot be told must not keep the places from those behind it.
                log.exception("place_not_told", key=waiter.key)
