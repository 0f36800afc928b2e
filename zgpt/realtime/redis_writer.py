"""Says to Redis what this process has to say (`redis_steps`), in order: one queue, one pipeline every few milliseconds.

What Redis has acknowledged is done here; what it has not is done as well, while this process is sure that it still owns
its runs (`confirm`), and waits otherwise, until the database holds it (`settle`): a process that was frozen shows
nothing before it knows that nobody took over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import gevent
import structlog
from gevent import Greenlet
from gevent.event import Event as Signal
from gevent.lock import RLock

from zgpt.core import clock, metrics
from zgpt.realtime.redis_link import Command, RedisAway, RedisLink, Reply

GATHER_S = 0.002
"""Appends of all runs that come within two milliseconds share one round trip; a screen shows a frame every 16."""
PIPELINE_S = 3.0
"""One round trip with everything that waits may take this long in all; each answer has its own, shorter time-out."""
SURE_S = 4.0
"""So long after a confirmation nobody can have taken over: a second less than the lease."""
UNSAID_STEPS = 10_000
"""Events kept for the return of Redis. Who misses an older one notices by its revision."""

log = structlog.get_logger(__name__)


class Step(Protocol):
    """One thing to say to Redis, and what is done here when it was said, or could not be."""

    keep: bool
    """Say it when Redis is back, where it could not be said."""

    def command(self) -> Command | None:
        """What to send, made when it is sent; None when there is nothing to send any more."""

    def done(self, reply: Reply) -> bool:
        """Redis has answered; False when it has not taken it."""

    def unlogged(self) -> None:
        """It is not in Redis: do here what has to be done all the same."""


class RedisWriter:
    """The queue and its connection. Until `start`, every step is written at once."""

    def __init__(self, link: RedisLink, first: Callable[[], Sequence[Step]]) -> None:
        """`first` gives the steps that go before the queue, each time that it is written."""
        self.away = False
        self.on_away: Callable[[], None] = _nothing
        self._link = link
        self._first = first
        self._steps: list[Step] = []
        self._unsaid: deque[Step] = deque(maxlen=UNSAID_STEPS)
        self._doubtful: list[tuple[float, Step]] = []
        self._sure_until_s = 0.0
        self._written_s = 0.0
        self._greenlet: Greenlet[..., None] | None = None
        self._wake = Signal()
        self._lock = RLock()
        self.batch = 0
        """Counts the round trips: a step that was put since the number changed may still be added to."""

    @property
    def sure(self) -> bool:
        """Whether this process knows that it owns its runs, and has done everything that waited for that."""
        return not self._doubtful and clock.monotonic() < self._sure_until_s

    def confirm(self, at_s: float) -> None:
        """The lease was there at this (monotonic) time, without a gap: do what waited to be sure of that."""
        self._sure_until_s = max(self._sure_until_s, at_s + SURE_S)
        if clock.monotonic() < self._sure_until_s:
            self._do_doubtful(lambda _put_s: True)

    def settle(self, at_s: float) -> None:
        """Do what waited since before this (monotonic) time: the database holds it."""
        self._do_doubtful(lambda put_s: put_s < at_s)

    def put(self, step: Step) -> None:
        """Say it with the next round trip; returns at once."""
        if self.away:
            self._not_written(step)
            return
        self._steps.append(step)
        if self._greenlet is not None:
            self._wake.set()
        else:
            self.write()

    def wake(self) -> None:
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            gevent.sleep(max(0.0, self._written_s + GATHER_S - clock.monotonic()))
            try:
                self.write()
            except Exception:
                # Without this greenlet nothing would be said any more, and the lease would expire.
                log.exception("steps_not_written")

    def start(self) -> None:
        """Write in a greenlet from now on."""
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Write what waits, and every later step at once."""
        with self._lock:
            if self._greenlet is not None:
                self._greenlet.kill()
            self._greenlet = None
        self.write()

    def write(self) -> None:
        """One round trip with everything that waits."""
        with self._lock:
            self._wake.clear()
            if self.away:
                return
            self.batch += 1
            steps, self._steps = [*self._first(), *self._steps], []
            said = [(step, command) for step in steps if (command := self._command_of(step)) is not None]
            replies = self._ask([command for _, command in said])
            self._written_s = clock.monotonic()
            if replies is None:
                self._went_away(steps)
            else:
                self._answered(steps, dict(zip((step for step, _ in said), replies, strict=True)))

    def come_back(self, probe: Sequence[Command]) -> list[Reply] | None:
        """Ask a Redis that was away; its replies, or None while it still is."""
        with self._lock:
            return self._ask(probe)

    def returned(self) -> None:
        """Redis is well again: say first what could not be said."""
        self.away = False
        metrics.REDIS_AWAY.dec()
        self._steps = [*self._unsaid, *self._steps]
        self._unsaid.clear()
        self.wake()

    def _ask(self, commands: Sequence[Command]) -> list[Reply] | None:
        if not commands:
            return []
        try:
            with gevent.Timeout(PIPELINE_S, TimeoutError("Redis is too slow")):
                return self._link.pipeline(commands)
        except RedisAway as fault:
            if not self.away:
                log.warning("redis_away", reason=str(fault), waiting=len(commands))
        return None

    def _command_of(self, step: Step) -> Command | None:
        try:
            return step.command()
        except Exception:
            # What cannot be said must not keep back what others have to say; here it is done all the same.
            log.exception("step_not_said", kind=type(step).__name__)
            return None

    def _answered(self, steps: list[Step], replies: dict[Step, Any]) -> None:
        for step in steps:
            if step not in replies or not self._safely(step.done, replies[step]):
                self._unlogged(step)

    def _went_away(self, steps: list[Step]) -> None:
        self.away = True
        # What was put in this round trip is done below: nothing may be added to it any more.
        self.batch += 1
        queued, self._steps = self._steps, []
        metrics.REDIS_AWAY.inc()
        self.on_away()
        for step in (*steps, *queued):
            self._not_written(step)

    def _do_doubtful(self, is_due: Callable[[float], bool]) -> None:
        due = [step for put_s, step in self._doubtful if is_due(put_s)]
        # In order of time, so that what is due comes first.
        self._doubtful = self._doubtful[len(due) :]
        for step in due:
            self._safely(step.unlogged)

    def _not_written(self, step: Step) -> None:
        if step.keep:
            self._unsaid.append(step)
        self._unlogged(step)

    def _unlogged(self, step: Step) -> None:
        if self.sure:
            self._safely(step.unlogged)
        else:
            self._doubtful.append((clock.monotonic(), step))

    def _safely(self, act: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return act(*arguments)
        except Exception:
            # One viewer's or one run's fault must not keep the others from what Redis said.
            log.exception("step_failed")
            return True


def _nothing() -> None:
    """Nobody wants to know."""
