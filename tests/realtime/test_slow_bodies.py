"""A body that never comes to its end is given up, however lively it drips."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from gunicorn.http.unreader import SocketUnreader

from zgpt.realtime.slow_bodies import bounded

PAUSE_S, BODY_S = 1.0, 0.4


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield ours, theirs


def test_sec_10_a_body_that_drips_is_given_up(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    reader, done = SocketUnreader(ours), threading.Event()

    def drip() -> None:
        while not done.wait(0.05):
            theirs.sendall(b"x")

    dripping = threading.Thread(target=drip)
    dripping.start()
    begun = time.monotonic()
    with pytest.raises(TimeoutError), bounded(reader, ours, PAUSE_S, BODY_S):
        reader.read(100_000)
    assert BODY_S - 0.1 < time.monotonic() - begun < BODY_S + 0.5
    done.set()
    dripping.join()


def test_sec_10_a_pause_is_bounded_too(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    reader = SocketUnreader(ours)
    with pytest.raises(TimeoutError), bounded(reader, ours, 0.1):
        reader.read(1)


def test_what_comes_after_the_request_is_read_without_that_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    reader = SocketUnreader(ours)
    with bounded(reader, ours, PAUSE_S, 0.0):
        pass
    theirs.sendall(b"GET")
    assert reader.read() == b"GET"
