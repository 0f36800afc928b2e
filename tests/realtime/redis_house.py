"""Several processes of one Z-GPT, as far as delivery goes, inside one test: each with a broker and a hub of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent

from tests.support.delivery import RUN, SESSION, USER, Link, head, member
from zgpt.core import ids
from zgpt.realtime import bus
from zgpt.realtime.broker_redis import RedisBroker
from zgpt.realtime.flush import FlushClock
from zgpt.realtime.hub import Hub, Member
from zgpt.realtime.live import LiveRun
from zgpt.realtime.redis_ear import RedisEar

WAIT_S = 8.0


class Process:
    """A broker on its hub. `start` is what the serving process does."""

    def __init__(self, url: str) -> None:
        self.hub = Hub(FlushClock(0.001))
        self.broker = RedisBroker(url, ids.new_id(), self.hub.live_run)
        self.broker.attach(self.hub)
        self.fenced: list[tuple[str, int]] = []
        self.broker.on_fenced = lambda run_id, epoch: self.fenced.append((run_id, epoch))
        self.ear: RedisEar | None = None

    def start(self) -> Process:
        self.ear = self.broker.start()
        return self

    def view(self, session_id: str, user_id: str = USER) -> tuple[Member, Link]:
        """A page that has the session open, as `session.open` does it."""
        link = Link()
        joined = member(self.hub, link, user_id)
        self.hub.hold(joined, session_id)
        self.broker.prepare([head()])
        self.hub.release(joined, session_id, 0, {})
        return joined, link

    def device(self, user_id: str = USER) -> Link:
        """A page that has no session open."""
        link = Link()
        member(self.hub, link, user_id)
        return link

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Lose what is said meanwhile; leave it only when that has been heard by others."""
        assert self.ear is not None
        # One process goes deaf, and the others hear on: only an object's own method can do that.
        hear, self.ear.hear = self.ear.hear, _ignore  # type: ignore[method-assign]
        yield
        gevent.sleep(0.05)
        self.ear.hear = hear  # type: ignore[method-assign]  # put back as it was

    def run(self, run_id: str) -> LiveRun:
        live = self.hub.live_run(run_id)
        assert live is not None, "the run is not known here"
        return live


def told_of_a_run(here: Process, there: Process) -> Link:
    """A page in the one process, which has heard of the run that the other has begun."""
    _, link = there.view(SESSION)
    here.broker.open_run(head(), {})
    wait(lambda: there.hub.live_run(RUN))
    return link


def lose(here: Process, there: Process, text: bytes) -> None:
    """The first text of the run is written in the one process, and the other does not hear of it."""
    with there.deaf():
        here.broker.append(RUN, 1, "text", 0, text)
        wait(lambda: len(here.run(RUN).parts["text"].data) == len(text))


def _ignore(message: bus.AnyMessage) -> None:
    """Nothing was heard."""


def serving(url: str) -> RedisBroker:
    """A broker that writes, without a hub: what it hears is of no interest."""
    broker = RedisBroker(url, ids.new_id(), lambda _run_id: None)
    broker._writer.start()
    return broker


def wait(holds: Callable[[], object], what: str = "it did not come to hold") -> None:
    """Let others run until it holds; TimeoutError when it does not."""
    with gevent.Timeout(WAIT_S, TimeoutError(what)):
        while not holds():
            gevent.sleep(0.005)
