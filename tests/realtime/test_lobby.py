"""A real gunicorn under more HTTP than it takes: health is always answered, the rest is refused in words."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection

import pytest

from tests.conftest import MakeServer
from tests.support.processes import polls
from tests.support.server import Server
from zgpt.realtime.lobby import WAITING_MOST

ROOM = 1_000
SLOW = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"


@pytest.fixture
def running(server: MakeServer) -> Server:
    return server(LIMIT_LOGIN="100000 per second")


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


def fill(server: Server, sockets: ExitStack) -> list[socket.socket]:
    """Requests that do not end, until there is no room for another: our own question may take a place meanwhile."""
    slow = [call(server, SLOW, sockets) for _ in range(ROOM)]
    for _ in polls(20):
        if status(server, "/api/v1/app")[0] == 503:
            return slow
        slow.append(call(server, SLOW, sockets))
    raise TimeoutError("it never got full")


def test_with_all_places_taken_by_slow_requests_health_is_answered_and_others_are_refused(
    running: Server, sockets: ExitStack
) -> None:
    slow = fill(running, sockets)
    more = [call(running, SLOW, sockets) for _ in range(200)]
    assert status(running, "/api/v1/app") == (503, "2")
    assert [status(running, path)[0] for path in ("/healthz", "/readyz") * 20] == [200] * 40
    assert {one.recv(12) for one in more} == {b"HTTP/1.1 503"}
    drips = [call(running, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX", sockets) for _ in range(100)]
    assert {one.recv(12) for one in drips} == {b"HTTP/1.1 503"}
    assert status(running, "/healthz")[0] == 200
    for one in slow:
        one.close()
    for _ in polls(10):
        if status(running, "/api/v1/app")[0] == 200:
            break
    assert status(running, "/api/v1/app") == (200, None)


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
