"""One event stream on a socket pair, with time that a test winds by hand."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import gevent
import pytest

from tests.realtime.lines import NEVER_S
from tests.support.delivery import RUN, USER, ended, head
from zgpt.realtime import sse
from zgpt.realtime.hub import Hub
from zgpt.realtime.live import LiveRun
from zgpt.realtime.loop import STREAM_HEARTBEAT_S, Engine, Limits
from zgpt.realtime.stream import EventStream, StreamResponse

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
LIVES_S = 40
TIMEOUT_S = 5.0
MORE_THAN_FITS = b"x" * 2_000_000


class Followed:
    """A stream of one run, not started yet, and its client."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or Engine(Limits(), tick_s=1.0)
        self.ended = 0
        self.run = LiveRun(head(), {})
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.client.settimeout(TIMEOUT_S)
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

    def say(self, text: bytes) -> None:
        """The run's text grows, and is written to who looks."""
        self.run.append(1, "text", len(self.run.parts["text"].data), text)
        self.run.flush()

    def tick(self, times: float) -> None:
        for _ in range(int(times)):
            self.engine.ticker.tick()

    def rest(self) -> bytes:
        """All that the client is still sent."""
        told = b""
        while data := self.client.recv(65_536):
            told += data
        return told

    def unread(self) -> int:
        """How many bytes of the client's the stream has not looked at."""
        return int(struct.unpack("i", fcntl.ioctl(self.fd, termios.FIONREAD, bytes(4)))[0])

    def wait(self, holds: Callable[[], bool]) -> None:
        with gevent.Timeout(TIMEOUT_S, TimeoutError("it did not come to hold")):
            while not holds():
                gevent.sleep(0.001)

    def close(self) -> None:
        self.client.close()
        self.stream.close()


@pytest.fixture
def followed() -> Iterator[Followed]:
    made = Followed()
    yield made
    made.close()


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
    followed.say(b"Hello")
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


def test_a_reader_that_takes_nothing_for_too_long_is_given_up(followed: Followed) -> None:
    followed.start().say(MORE_THAN_FITS)
    followed.tick(followed.engine.send_stall - 1)
    assert followed.ended == 0
    followed.tick(1)
    assert (followed.ended, followed.engine.connections) == (1, set())
    assert len(followed.rest()) < len(MORE_THAN_FITS)


def test_a_reader_that_was_slow_gets_what_was_said_meanwhile(followed: Followed) -> None:
    followed.start().say(MORE_THAN_FITS)
    followed.say(b"and the rest")
    told = b""
    while not told.endswith(b"\n\n") or b"and the rest" not in told:
        told += followed.client.recv(65_536)
    assert told.count(b"event: run.delta") == 2
    assert followed.ended == 0


def test_the_end_waits_until_a_slow_reader_has_taken_everything(followed: Followed) -> None:
    followed.start().say(MORE_THAN_FITS)
    followed.run.drop()
    assert followed.ended == 0
    assert MORE_THAN_FITS in followed.rest()
    assert followed.ended == 1


def test_text_for_a_client_that_has_gone_ends_the_stream(followed: Followed) -> None:
    followed.start().client.close()
    followed.say(b"Hello")
    assert (followed.ended, followed.engine.connections) == (1, set())


@pytest.mark.parametrize("unread", [b"", b"Hello"], ids=["after all was read", "with text unread"])
def test_a_client_that_hangs_up_is_noticed_while_nothing_is_said(followed: Followed, unread: bytes) -> None:
    followed.start().say(unread)
    followed.client.close()
    followed.wait(lambda: followed.ended == 1)
    assert followed.engine.connections == set()


def test_what_the_client_sends_is_thrown_away_and_the_stream_goes_on(followed: Followed) -> None:
    followed.start().client.sendall(b"x" * 10_000)
    followed.wait(lambda: followed.unread() == 0)
    followed.say(b"Hello")
    assert b'"text":"Hello"' in followed.client.recv(1_000)
    assert followed.ended == 0


def test_a_wake_up_without_anything_to_read_changes_nothing(followed: Followed) -> None:
    followed.start().stream._on_readable()
    followed.say(b"Hello")
    assert b'"text":"Hello"' in followed.client.recv(1_000)


def test_one_that_has_gone_is_told_nothing_more_and_those_beside_it_are(followed: Followed) -> None:
    gone = Followed(followed.engine).start()
    followed.start()
    gone.stream.close()
    followed.tick(STREAM_HEARTBEAT_S)
    assert (gone.rest(), gone.ended) == (b"", 1)
    assert followed.client.recv(1_000) == sse.HEARTBEAT
    gone.close()


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


def test_a_new_epoch_and_the_end_are_told_in_the_stream_and_close_it(followed: Followed) -> None:
    followed.start().say(b"Hello")
    followed.run.restart(head(2), {"text": b"Hel"})
    followed.run.advance_all()
    followed.run.finish(ended(text="Hel"))
    followed.run.flush()
    told = followed.rest()
    kinds = [line.removeprefix(b"event: ") for line in told.splitlines() if line.startswith(b"event: ")]
    assert kinds == [b"run.delta", b"run.reset", b"run.delta", b"run.completed"]
    assert followed.ended == 1


def test_streams_in_step_are_told_the_same_bytes(followed: Followed) -> None:
    other = Followed(followed.engine)
    other.run.discard(other.stream.cursor)
    other.stream.cursor = followed.run.add_stream(other.stream, {})
    followed.start()
    other.start()
    followed.say(b"Hello")
    assert followed.client.recv(1_000) == other.client.recv(1_000)
    part = followed.run.parts["text"]
    assert part.payload(0, 5) is part.payload(0, 5)
    other.close()


def test_the_response_moves_its_socket_to_the_stream(followed: Followed) -> None:
    ours, client = socket.socketpair()
    environ: Any = {"werkzeug.socket": ours, "wsgi.input": ours.makefile("rb")}
    with ours, client, environ["wsgi.input"]:
        with pytest.raises(ConnectionAbortedError):
            StreamResponse(followed.stream)(environ, Mock())
        followed.say(b"Hello")
        client.settimeout(TIMEOUT_S)
        told = client.recv(1_000)
        assert told.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream")
        assert b"Content-Length" not in told
        assert told.index(sse.OPENING) < told.index(b'"text":"Hello"')
        assert ours.recv(1) == b"", "the server is left a socket at its end"
    socket.close(followed.fd)


def test_what_the_person_s_other_connections_are_told_is_not_told_to_a_stream(followed: Followed) -> None:
    followed.start()
    assert followed.stream.offer(b'{"type":"session.updated"}')
    followed.say(b"Hello")
    assert followed.client.recv(1_000).startswith(b"event: run.delta")
