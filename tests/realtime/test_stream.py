"""One event stream on a socket pair, with time that a test winds by hand."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.realtime.lines import NEVER_S
from tests.support.delivery import RUN, USER, head
from zgpt.realtime import sse
from zgpt.realtime.hub import Hub
from zgpt.realtime.live import LiveRun
from zgpt.realtime.loop import STREAM_HEARTBEAT_S, Engine, Limits
from zgpt.realtime.stream import EventStream

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
LIVES_S = 40


class Followed:
    """A stream of one run, not started yet, and its client."""

    def __init__(self) -> None:
        self.engine = Engine(Limits(), tick_s=1.0)
        self.ended = 0
        self.run = LiveRun(head(), {})
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.client.settimeout(2)
        self.fd = ours.detach()
        self.stream = EventStream(self.engine, "", LIVES_S, self._closed)
        self.stream.cursor = self.run.add_stream(self.stream, {})
        self.engine.ticker._tick_s = NEVER_S

    def _closed(self) -> None:
        self.ended += 1

    def start(self) -> Followed:
        self.stream.start(self.fd, HEAD)
        opening = HEAD + sse.OPENING
        assert self.client.recv(len(opening)) == opening
        return self

    def tick(self, times: float) -> None:
        for _ in range(int(times)):
            self.engine.ticker.tick()


@pytest.fixture
def followed() -> Iterator[Followed]:
    made = Followed()
    yield made
    made.client.close()
    made.stream.close()


def test_a_silent_stream_says_something_every_fifteen_seconds(followed: Followed) -> None:
    followed.start().tick(STREAM_HEARTBEAT_S)
    assert followed.client.recv(1_000) == sse.HEARTBEAT
    followed.tick(STREAM_HEARTBEAT_S)
    assert followed.client.recv(1_000) == sse.HEARTBEAT


def test_it_ends_once_when_the_token_expires(followed: Followed) -> None:
    followed.start().tick(LIVES_S - 1)
    assert followed.ended == 0
    followed.tick(1)
    assert followed.client.recv(1_000) == sse.HEARTBEAT * 2
    assert followed.client.recv(1_000) == b""
    followed.stream.close()
    assert (followed.ended, followed.engine.connections) == (1, set())


def test_text_from_before_the_start_is_not_lost(followed: Followed) -> None:
    followed.run.append(1, "text", 0, b"Hello")
    followed.run.flush()
    followed.start()
    assert b'"text":"Hello"' in followed.client.recv(1_000)


def test_a_run_that_is_gone_ends_its_streams(followed: Followed) -> None:
    followed.start()
    followed.run.drop()
    assert followed.client.recv(1_000) == b""


@pytest.mark.parametrize("end", ["revoked", "dropped"])
def test_what_ended_before_the_start_ends_with_it(followed: Followed, end: str) -> None:
    if end == "revoked":
        followed.stream.close()
    else:
        followed.run.drop()
    followed.start()
    assert followed.client.recv(1_000) == b""
    assert followed.ended == 1


def test_a_hub_forgets_a_run_with_its_streams(followed: Followed) -> None:
    class Clock:
        def later(self, *_: object) -> None: ...

    hub = Hub(Clock())  # type: ignore[arg-type]
    hub.run_opened(head(), {})
    run = hub.live_run(RUN)
    assert run is not None
    followed.stream.cursor = run.add_stream(followed.stream, {})
    followed.start()
    hub.run_dropped(RUN, 1)
    assert followed.client.recv(1_000) == b""
    assert (hub.live_run(RUN), hub.connections_of(USER)) == (None, 0)
