"""The lease of this process: a key in Redis that says that it lives. Whose a run is, the database decides.

What each fault means for text that the log does not hold, with the test that shows it:

- *Frozen beyond the lease, and Redis emptied meanwhile*: nothing is shown until the database has answered; what another
  process has taken is never shown (`test_redis_lease`, `test_frozen_owner`).
- *The key is missing and the database is away too*: a key that this process makes itself proves nothing. Nothing is
  shown until the database has answered after the key was there again (`test_redis_lease`).
- *Two that try to take a run*: the database lets one win, the other one gives up (`test_takeover`).
- *Cut off from Redis only*: text is shown from memory for as long as nobody can have taken over, and from then on when
  the database has kept it, under our epoch: who takes over finds it there (`test_redis_lease`, `test_ownership`).
- *Cut off from the database only*: Redis renews the lease and holds the text; nothing changes for anybody until the
  answer ends, which waits (`test_postgres_away`, `test_postgres_frozen`).
"""

from __future__ import annotations

from collections.abc import Callable

import gevent

from zgpt.core import clock
from zgpt.realtime import bus
from zgpt.realtime.redis_link import Command, Reply
from zgpt.realtime.redis_writer import RedisWriter


class Renew:
    """1 when the process's key was there all the time, and so all its runs are still its own."""

    __slots__ = ("_key", "_renewed", "_sent_s")
    keep = False

    def __init__(self, process_id: str, renewed: Callable[[float, bool], None]) -> None:
        self._key = bus.process_key(process_id)
        self._renewed = renewed
        self._sent_s = 0.0

    def command(self) -> Command:
        self._sent_s = clock.monotonic()
        return ("PEXPIRE", self._key, bus.LEASE_MS)

    def done(self, reply: Reply) -> bool:
        self._renewed(self._sent_s, reply == 1)
        return True

    def unlogged(self) -> None:
        """The next try is soon."""


class Enter:
    """Make the process's key, where it has expired or never was."""

    __slots__ = ("_entered", "_key")
    keep = False

    def __init__(self, process_id: str, entered: Callable[[], None]) -> None:
        self._key = bus.process_key(process_id)
        self._entered = entered

    def command(self) -> Command:
        return ("SET", self._key, 1, "PX", bus.LEASE_MS)

    def done(self, reply: Reply) -> bool:
        if reply == b"OK":
            self._entered()
        return True

    def unlogged(self) -> None:
        """The next renewal sees that it is missing."""


class Lease:
    """Tells the writer what is sure. `owns`: whether there is anything that others could have taken."""

    def __init__(self, process_id: str, writer: RedisWriter, owns: Callable[[], bool]) -> None:
        self.on_doubt: Callable[[], None] = self._confirm_now
        self._process_id = process_id
        self._writer = writer
        self._owns = owns
        self._renewed_s = 0.0
        self._missing = False
        self._entered_s: float | None = None

    def enter(self) -> None:
        """Say that this process lives."""
        self._writer.put(Enter(self._process_id, self._entered))

    def renew_if_due(self) -> bool:
        """Every `RENEW_S`; whether it was."""
        if clock.monotonic() - self._renewed_s < bus.RENEW_S:
            return False
        self._renew()
        return True

    def confirm(self, at_s: float) -> None:
        """The database holds, as this process's own, what was put before this (monotonic) time.

        It is only about the past: without a lease another process may take the runs a moment later.
        """
        self._writer.settle(at_s)
        if self._missing and self._entered_s is not None and self._entered_s <= at_s:
            # Whoever saw that the key was missing had not taken anything yet, and sees it from here on.
            self._missing = False
            if not self._writer.away:
                self._renew()

    def come_back(self) -> bool:
        """Ask a Redis that was away, and then whether the runs are still ours; False while it does not answer."""
        renew, enter = Renew(self._process_id, self._noted), Enter(self._process_id, self._entered)
        replies = self._writer.come_back([renew.command(), enter.command()])
        if replies is None:
            return False
        renew.done(replies[0])
        enter.done(replies[1])
        if not self._writer.sure:
            self._ask()
        return True

    def _renew(self) -> None:
        self._renewed_s = clock.monotonic()
        self._writer.put(Renew(self._process_id, self._renewed))

    def _renewed(self, sent_s: float, was_there: bool) -> None:
        self._noted(sent_s, was_there)
        if not was_there:
            self.enter()
        elif self._missing:
            gevent.spawn(self._ask)

    def _noted(self, sent_s: float, was_there: bool) -> None:
        if not was_there:
            # Somebody may have seen that too and taken the runs: from here on only the database knows.
            self._missing, self._entered_s = True, None
        elif not self._missing:
            self._writer.confirm(sent_s)

    def _entered(self) -> None:
        self._entered_s = clock.monotonic()
        if self._missing and not self._writer.away:
            gevent.spawn(self._ask)

    def _ask(self) -> None:
        if self._owns():
            self.on_doubt()
        else:
            self._confirm_now()

    def _confirm_now(self) -> None:
        self.confirm(clock.monotonic())
