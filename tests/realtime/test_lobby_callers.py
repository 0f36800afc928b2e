"""The lobby before a gevent server in this process: who waits in it, who is let in, and who is sent away unheard."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer

from zgpt.core import clock
from zgpt.realtime import door, lobby
from zgpt.realtime.lobby import HEAD_BYTES, HEAD_S, Lobby

TIMEOUT_S = 5.0
HELLO = b"GET / HTTP/1.1\r\n\r\n"
RESET = struct.pack("ii", 1, 0)


class House:
    """A server that answers every whole head, and its lobby."""

    def __init__(self, opened: ExitStack) -> None:
        self.lobby = Lobby(10)
        self.heard: list[bytes] = []
        self._opened = opened
        admit: Any = self.lobby.admit
        self.server = StreamServer(("127.0.0.1", 0), self._serve, spawn=admit)
        self.server.start()

    def _serve(self, sock: Any, _address: object) -> None:
        self.heard.append(sock.recv(100))
        sock.sendall(b"welcome")

    def call(self) -> socket.socket:
        """A client that has been accepted and says nothing."""
        before = len(self.lobby._waiting)
        address = ("127.0.0.1", int(self.server.server_port or 0))
        client = self._opened.enter_context(socket.create_connection(address, timeout=TIMEOUT_S))
        self.wait(before + 1)
        return client

    def wait(self, count: int) -> None:
        """Return when so many callers wait."""
        with gevent.Timeout(TIMEOUT_S, TimeoutError(f"never {count} callers")):
            while len(self.lobby._waiting) != count:
                gevent.sleep(0.001)

    def close(self) -> None:
        self.server.stop()
        self.lobby.close()


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(lobby, "SWEEP_S", 0.01)
    with ExitStack() as opened:
        made = House(opened)
        yield made
        made.close()


def test_a_caller_waits_until_its_head_is_whole_and_is_served_then(house: House) -> None:
    client = house.call()
    assert house.heard == []
    client.sendall(HELLO)
    assert client.recv(100) == b"welcome"
    assert (house.heard, house.lobby._waiting) == ([HELLO], {})


def test_who_is_silent_for_too_long_is_hung_up_on_and_who_came_later_still_waits(house: House) -> None:
    early = house.call()
    with clock.moved(HEAD_S - 1):
        late = house.call()
    with clock.moved(HEAD_S + 1):
        assert early.recv(1) == b""
        late.sendall(HELLO)
        assert late.recv(100) == b"welcome"
    assert house.heard == [HELLO]


@pytest.mark.parametrize("how", ["with a goodbye", "with a reset"])
def test_who_goes_before_the_first_word_is_forgotten_and_not_served(house: House, how: str) -> None:
    client = house.call()
    if how == "with a reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()
    house.wait(0)
    assert house.heard == []


def test_a_wake_up_without_a_word_leaves_the_caller_waiting(house: House) -> None:
    client = house.call()
    [caller] = house.lobby._waiting
    house.lobby._speaks(caller)
    assert list(house.lobby._waiting) == [caller]
    client.sendall(HELLO)
    assert client.recv(100) == b"welcome"


def test_a_lobby_that_closes_hangs_up_on_all_who_wait_and_may_be_closed_again(house: House) -> None:
    clients = [house.call() for _ in range(3)]
    house.lobby.close()
    assert [client.recv(1) for client in clients] == [b""] * 3
    house.lobby.close()
    assert (house.heard, house.lobby._waiting) == ([], {})


def test_sec_10_a_head_that_comes_in_pieces_is_served_when_it_is_whole(house: House) -> None:
    client = house.call()
    for piece in (HELLO[:1], HELLO[1:9], HELLO[9:-1]):
        client.sendall(piece)
        gevent.sleep(0.02)
        assert len(house.lobby._waiting) == 1
    client.sendall(HELLO[-1:])
    assert client.recv(100) == b"welcome"
    assert house.heard == [HELLO]


def test_sec_10_one_who_waits_in_the_middle_of_a_head_costs_no_time(house: House) -> None:
    client, looks = house.call(), 0
    [caller] = house.lobby._waiting

    def look() -> None:
        nonlocal looks
        looks += 1
        house.lobby._speaks(caller)

    caller.watcher.stop()
    caller.watcher.start(look)
    client.sendall(HELLO[:-1])
    gevent.sleep(0.2)
    assert looks == 1
    client.sendall(HELLO[-1:])
    assert client.recv(100) == b"welcome"


def test_sec_10_a_head_that_takes_too_long_is_told_so(house: House) -> None:
    client = house.call()
    client.sendall(HELLO[:-1])
    gevent.sleep(0.02)
    with clock.moved(HEAD_S + 1):
        assert client.recv(100).startswith(b"HTTP/1.1 408 ")
    assert (house.heard, house.lobby._waiting) == ([], {})


def test_sec_10_a_head_that_is_too_long_is_refused_before_it_is_whole(house: House) -> None:
    client = house.call()
    client.sendall(b"x" * (HEAD_BYTES - 1))
    gevent.sleep(0.02)
    assert len(house.lobby._waiting) == 1
    client.sendall(b"x")
    assert client.recv(100).startswith(b"HTTP/1.1 431 ")
    assert house.heard == []


def test_who_goes_in_the_middle_of_a_head_is_forgotten(house: House) -> None:
    client = house.call()
    client.sendall(HELLO[:-1])
    gevent.sleep(0.02)
    client.close()
    house.wait(0)
    assert house.heard == []


def test_sec_10_of_too_many_who_wait_the_first_makes_room(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "WAITING_MOST", 2)
    early = house.call()
    early.sendall(HELLO[:3])
    gevent.sleep(0.02)
    house.call()
    address = early.getpeername()
    with socket.create_connection(address, timeout=TIMEOUT_S) as late:
        assert early.recv(100).startswith(b"HTTP/1.1 408 ")
        late.sendall(HELLO)
        assert late.recv(100) == b"welcome"


def test_one_too_many_before_the_door_is_refused_and_does_not_pass_those_who_wait(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HELD_MOST", 0)
    client = house.call()
    client.sendall(b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
    assert client.recv(100).startswith(b"HTTP/1.1 503 ")
    assert house.heard == []
