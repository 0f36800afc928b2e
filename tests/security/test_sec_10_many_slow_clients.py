"""Check 10, by numbers: more slow clients than there are places for requests, and all others are answered as ever."""

import http.client
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from tests.security.conftest import MakeHouse
from tests.security.houses import House
from tests.security.raw import ask
from tests.support.strain import counter

ROOM = 1_000
"""`worker_connections`: requests that one worker answers at once."""
MANY = ROOM + 200
BODIES = ROOM // 4
ANY_ORDER = 100
"""Those that come together are read in any order: of the last ones some more may be given up, or fewer."""
CUT_S = 10.0
ANSWER_S = 2.0
WAIT_S = 60.0
HEAD = b"GET /api/v1/app HTTP/1.1\r\nHost: x\r\nX-Drip: "
BODY = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def crowded(make_house: MakeHouse) -> House:
    return make_house()


@pytest.fixture
def call(crowded: House) -> Iterator[Callable[[bytes], socket.socket]]:
    """A connection that has said this; all are closed in the end."""
    with ExitStack() as opened:

        def made(begin: bytes) -> socket.socket:
            address = ("127.0.0.1", crowded.server.port)
            sock = opened.enter_context(socket.create_connection(address, timeout=WAIT_S))
            sock.sendall(begin)
            return sock

        yield made


def assert_others_are_answered(made: House) -> None:
    for path in ("/healthz", "/readyz", "/api/v1/app"):
        begun = time.monotonic()
        assert ask(made.server, path).status == 200
        assert time.monotonic() - begun < ANSWER_S


def test_sec_10_more_dripped_heads_than_places_hold_none_of_them(
    crowded: House, call: Callable[[bytes], socket.socket]
) -> None:
    drips = [call(HEAD) for _ in range(MANY)]
    begun = time.monotonic()
    for _ in range(3):
        for one in drips:
            one.sendall(b"x")
        assert_others_are_answered(crowded)
    assert {one.recv(12) for one in drips} == {b"HTTP/1.1 408"}
    assert time.monotonic() - begun < CUT_S
    assert counter(crowded.server, "zgpt_refused_total", 'limit="heads"') == MANY


def test_sec_10_more_dripped_bodies_than_places_hold_a_quarter_of_them(
    crowded: House, call: Callable[[bytes], socket.socket]
) -> None:
    drips: list[socket.socket] = []
    while len(drips) < MANY:
        drips += [call(BODY) for _ in range(ANY_ORDER)]
        assert_others_are_answered(crowded)
    # The one that was waited for longest is given up for another, and told so.
    assert Counter(one.recv(12) for one in drips[: -BODIES - ANY_ORDER]) == {b"HTTP/1.1 400": MANY - BODIES - ANY_ORDER}
    assert_others_are_answered(crowded)
    drips[-1].sendall(b" " * 88 + b"}")
    assert drips[-1].recv(12) == b"HTTP/1.1 422"


def test_sec_10_connections_that_are_kept_for_later_hold_half_of_the_places(
    crowded: House, call: Callable[[bytes], socket.socket]
) -> None:
    kept = [call(WHOLE) for _ in range(MANY)]
    answers = [one.recv(4_096).lower() for one in kept]
    assert sum(b"connection: keep-alive" in answer for answer in answers) <= ROOM // 2 + 1
    assert_others_are_answered(crowded)


def test_sec_10_a_kept_connection_that_drips_its_next_head_is_cut(crowded: House) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", crowded.server.port, timeout=CUT_S)) as connection:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        begun = time.monotonic()
        sock = connection.sock
        sock.settimeout(0.5)
        for byte in HEAD:
            try:
                sock.sendall(bytes([byte]))
                if not sock.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert time.monotonic() - begun < CUT_S
