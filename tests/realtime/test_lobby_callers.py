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
from zgpt.realtime import lobby
from zgpt.realtime.lobby import SILENCE_S, Lobby

TIMEOUT_S = 5.0
RESET = struct.pack("ii", 1, 0)


class House:
    """A server that answers every first word, and its lobby."""

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


def test_a_caller_waits_until_the_first_word_and_is_served_then(house: House) -> None:
    client = house.call()
    assert house.heard == []
    client.sendall(b"hello")
    assert client.recv(100) == b"welcome"
    assert (house.heard, house.lobby._waiting) == ([b"hello"], {})


def test_who_is_silent_for_too_long_is_hung_up_on_and_who_came_later_still_waits(house: House) -> None:
    early = house.call()
    with clock.moved(SILENCE_S - 1):
        late = house.call()
    with clock.moved(SILENCE_S + 1):
        assert early.recv(1) == b""
        late.sendall(b"hello")
        assert late.recv(100) == b"welcome"
    assert house.heard == [b"hello"]


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
    client.sendall(b"hello")
    assert client.recv(100) == b"welcome"


def test_a_lobby_that_closes_hangs_up_on_all_who_wait_and_may_be_closed_again(house: House) -> None:
    clients = [house.call() for _ in range(3)]
    house.lobby.close()
    assert [client.recv(1) for client in clients] == [b""] * 3
    house.lobby.close()
    assert (house.heard, house.lobby._waiting) == ([], {})
