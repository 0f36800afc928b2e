"""Cancelling an answer: at once, at any moment, and without a descriptor left behind or mixed up."""

import os
from contextlib import ExitStack
from pathlib import Path

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from zgpt.llm.body import Head
from zgpt.llm.http import Answer
from zgpt.llm.openai import HttpProvider
from zgpt.llm.stream import HttpStream
from zgpt.llm.wire import Recv

from .sink import HEAD, WAIT_S, Sink, delta, prompt, says, serving

LONG = HEAD + delta("a") + delta("b") + delta("c")


class Hangup:
    """A server that begins an answer and notes when the other side hangs up."""

    def __init__(self, begin: bytes) -> None:
        self.begin = begin
        self.asked = Event()
        self.hung_up = Event()

    def __call__(self, sock: socket.socket, _request: bytes) -> None:
        sock.sendall(self.begin)
        self.asked.set()
        try:
            while sock.recv(100):
                pass
        except OSError:
            pass
        self.hung_up.set()


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize("begin", [b"", HEAD, LONG], ids=["before-the-head", "before-a-token", "in-mid-answer"])
def test_closing_hangs_up_at_once_and_tells_nothing_more(begin: bytes) -> None:
    server, sink = Hangup(begin), Sink()
    with serving(server) as url:
        stream = HttpProvider(url, "m").stream(prompt(), sink, 5.0)
        assert server.asked.wait(WAIT_S)
        assert begin is not LONG or sink.began.wait(WAIT_S)
        stream.close()
        stream.close()
        assert server.hung_up.wait(1.0)
    gevent.sleep(0.05)
    assert sink.ends == []


def test_closing_before_anything_happened_asks_nobody() -> None:
    server, sink = Hangup(LONG), Sink()
    with serving(server) as url:
        HttpProvider(url, "m").stream(prompt(), sink, 5.0).close()
        gevent.sleep(0.1)
    assert not server.asked.is_set()
    assert (sink.ends, sink.deltas) == ([], [])


def test_closing_while_connecting_leaves_no_descriptor() -> None:
    with ExitStack() as opened:
        full = opened.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [opened.enter_context(socket.socket()) for _ in range(3)]
        for sock in waiting:  # fills the queue, after which the kernel answers nobody
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        provider = HttpProvider(f"http://127.0.0.1:{full.getsockname()[1]}", "m")
        before = descriptors()
        sink = Sink()
        stream = provider.stream(prompt(), sink, 5.0)
        gevent.sleep(0.05)
        assert descriptors() == before + 1
        stream.close()
        gevent.sleep(0.05)
        assert (descriptors(), sink.ends) == (before, [])


def test_a_sink_may_close_from_within_a_delta() -> None:
    sink = Sink()
    with serving(says(LONG)) as url:
        stream = HttpProvider(url, "m").stream(prompt(), sink, 5.0)
        sink.on_first = stream.close
        assert sink.began.wait(WAIT_S)
        gevent.sleep(0.05)
    assert (len(sink.deltas), sink.ends) == (1, [])


def test_closing_after_the_end_is_harmless_and_closes_nobody_elses_descriptor() -> None:
    sink = Sink()
    with serving(says(HEAD, delta("a"), b"data: [DONE]\n\n")) as url:
        stream = HttpProvider(url, "m").stream(prompt(), sink, 5.0)
        assert sink.end.reason
        read_end, write_end = os.pipe()  # the descriptors that were just freed
        stream.close()
        os.write(write_end, b"x")
        assert os.read(read_end, 1) == b"x"
        os.close(read_end)
        os.close(write_end)


def test_thousands_of_answers_closed_and_ended_in_any_order_leave_nothing_open() -> None:
    server = Hangup(LONG)
    with serving(server) as url, serving(says(HEAD, delta("a"), b"data: [DONE]\n\n")) as short_url:
        provider, short = HttpProvider(url, "m"), HttpProvider(short_url, "m")
        before = descriptors()
        for _ in range(20):
            sinks = [Sink() for _ in range(20)]
            streams = [(short if at % 2 else provider).stream(prompt(), sink, 5.0) for at, sink in enumerate(sinks)]
            for at, sink in enumerate(sinks):
                assert sink.began.wait(WAIT_S)
                streams[-at].close()
        gevent.sleep(0.2)
        assert descriptors() <= before + 2


class Late:
    """The way to a server whose answer begins in the very turn of the loop in which it is cancelled."""

    def __init__(self) -> None:
        self.closed = False
        self.stream: HttpStream | None = None

    def answer(self) -> Answer:
        assert self.stream is not None
        self.stream.close()
        return Answer(self, Head(200, {}), delta("a"))

    def close(self) -> None:
        self.closed = True

    def send(self, data: bytes) -> None:
        raise AssertionError

    def recv(self) -> bytes:
        raise AssertionError

    def detach(self) -> tuple[socket.socket, Recv, bytes]:
        raise AssertionError


def test_an_answer_that_begins_in_the_turn_of_its_cancelling_is_hung_up_and_not_told() -> None:
    late, sink = Late(), Sink()
    late.stream = HttpStream(late.answer, sink, None, None)
    gevent.sleep(0)
    assert (late.closed, sink.deltas, sink.ends) == (True, [], [])
