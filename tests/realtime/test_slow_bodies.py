"""A body that never comes to its end is given up, however lively it drips, and however many do."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import gevent
import pytest
from gevent import socket as waiting_socket
from gunicorn.http.unreader import SocketUnreader

from zgpt.realtime.slow_bodies import Bodies

PAUSE_S, BODY_S = 1.0, 0.4
MOST = 3
TOO_LONG = "the body of the request takes too long"


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
    with pytest.raises(TimeoutError), Bodies(MOST).bounded(reader, ours, PAUSE_S, BODY_S):
        reader.read(100_000)
    assert BODY_S - 0.1 < time.monotonic() - begun < BODY_S + 0.5
    done.set()
    dripping.join()


def test_sec_10_a_pause_is_bounded_too(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    reader = SocketUnreader(ours)
    with pytest.raises(TimeoutError), Bodies(MOST).bounded(reader, ours, 0.1):
        reader.read(1)


def test_what_comes_after_the_request_is_read_without_that_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    reader = SocketUnreader(ours)
    with Bodies(MOST).bounded(reader, ours, PAUSE_S, 0.0):
        pass
    theirs.sendall(b"GET")
    assert reader.read() == b"GET"


class Uploads:
    """Requests whose bodies are read side by side, and what became of each."""

    def __init__(self, opened: ExitStack) -> None:
        self.bodies = Bodies(MOST)
        self.read: dict[int, bytes | str] = {}
        self._opened = opened

    def begin(self, at: int) -> waiting_socket.socket:
        """One more, that waits; its client."""
        ours, theirs = waiting_socket.socketpair()
        self._opened.enter_context(closing(ours))
        self._opened.enter_context(closing(theirs))
        self._opened.callback(gevent.spawn(self._read, at, ours).kill)
        gevent.sleep(0.01)
        return theirs

    def _read(self, at: int, sock: waiting_socket.socket) -> None:
        reader = SocketUnreader(sock)
        try:
            with self.bodies.bounded(reader, sock, PAUSE_S, 30.0 + at):
                self.read[at] = reader.chunk()
        except TimeoutError as given_up:
            self.read[at] = str(given_up)


@pytest.fixture
def uploads() -> Iterator[Uploads]:
    with ExitStack() as opened:
        yield Uploads(opened)


def test_sec_10_of_too_many_bodies_the_one_that_was_waited_for_longest_makes_room(uploads: Uploads) -> None:
    clients = [uploads.begin(at) for at in range(MOST + 2)]
    gevent.sleep(0.01)
    assert uploads.read == dict.fromkeys((0, 1), TOO_LONG)
    assert len(uploads.bodies) == MOST
    for client in clients[2:]:
        client.sendall(b"body")
    gevent.sleep(0.01)
    assert uploads.read == {0: TOO_LONG, 1: TOO_LONG, 2: b"body", 3: b"body", 4: b"body"}
    assert len(uploads.bodies) == 0


def test_one_that_was_given_up_between_two_reads_is_not_read_any_further(uploads: Uploads) -> None:
    ours, theirs = waiting_socket.socketpair()
    reader = SocketUnreader(ours)
    with closing(ours), closing(theirs), uploads.bodies.bounded(reader, ours, PAUSE_S, 0.5):
        theirs.sendall(b"body")
        assert reader.chunk() == b"body"
        first = gevent.spawn(reader.chunk)
        gevent.sleep(0.01)
        for at in range(MOST):
            uploads.begin(at)
        with pytest.raises(TimeoutError, match=TOO_LONG):
            first.get(timeout=1)
        with pytest.raises(TimeoutError, match=TOO_LONG):
            reader.chunk()
