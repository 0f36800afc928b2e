"""A real gunicorn under more HTTP than it takes: health is always answered, the rest is refused in words."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection

import pytest

from tests.conformance.conftest import MakeEcho
from tests.conftest import MakeServer
from tests.support.server import Server
from zgpt.realtime.lobby import WAITING_MOST

ROOM, MORE = 20, 50
SLOW_S = 4
SLOW = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def running(server: MakeServer) -> Server:
    return server()


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def call(server: Server, begin: bytes, sockets: ExitStack) -> socket.socket:
    made = sockets.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
    made.sendall(begin)
    return made


def status(server: Server, path: str) -> tuple[int, str | None]:
    """The status, and when to come back."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("Retry-After")


def test_with_all_places_taken_health_is_answered_and_others_are_refused(echo: MakeEcho, sockets: ExitStack) -> None:
    server = echo("--worker-connections", str(ROOM), ECHO_SLOW_S=str(SLOW_S))
    slow = [call(server, SLOW, sockets) for _ in range(ROOM + MORE)]
    assert [status(server, "/readyz")[0] for _ in range(40)] == [200] * 40
    assert status(server, "/slow") == (503, "2")
    drips = [call(server, b"GET /readyz HTTP/1.1\r\nHost: a\r\nX", sockets) for _ in range(100)]
    assert status(server, "/readyz")[0] == 200
    assert Counter(one.recv(12) for one in slow) == {b"HTTP/1.1 200": ROOM, b"HTTP/1.1 503": MORE}
    drips[0].sendall(b": y\r\n\r\n")
    assert drips[0].recv(12) == b"HTTP/1.1 200"
    assert status(server, "/slow") == (200, None)


def test_clients_that_say_nothing_take_no_place(running: Server, sockets: ExitStack) -> None:
    for _ in range(WAITING_MOST + 100):
        sockets.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=10))
    assert status(running, "/readyz")[0] == 200
    assert status(running, "/api/v1/app")[0] == 200


def test_a_kept_connection_serves_many_requests(running: Server) -> None:
    with closing(HTTPConnection("127.0.0.1", running.port, timeout=10)) as connection:
        for _ in range(3):
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b'{"status":"ok"}')
            assert answer.getheader("Connection") == "keep-alive"
