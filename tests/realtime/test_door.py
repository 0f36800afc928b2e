"""Who is let in when many want to: real sockets, and an engine whose work a test finishes by hand."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import gevent
import pytest

from zgpt.realtime import door
from zgpt.realtime.door import AT_ONCE, LOOK_S, Door, is_gone, is_upgrade

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"


@dataclass(slots=True, eq=False)
class Caller:
    """A client at the other end of a real connection."""

    sock: socket.socket
    peer: socket.socket
    closed: bool = False

    def close(self) -> None:
        self.closed = True
        self.sock.close()


@dataclass(slots=True)
class House:
    """A door, and whom it let in."""

    listener: socket.socket
    admitted: list[Caller] = field(default_factory=list)
    room: bool = True
    callers: list[Caller] = field(default_factory=list)
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        self.door = Door(self.admitted.append, lambda: self.room)  # type: ignore[arg-type]

    def comes(self) -> Caller:
        peer = socket.create_connection(self.listener.getsockname())
        peer.sendall(UPGRADE)
        caller = Caller(self.listener.accept()[0], peer)
        self.callers.append(caller)
        self.door.enter(caller)  # type: ignore[arg-type]
        return caller

    def finish(self, caller: Caller) -> None:
        self.door.done(caller)  # type: ignore[arg-type]
        gevent.sleep(3 * LOOK_S)


@pytest.fixture
def house() -> Iterator[House]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = House(listener)
        yield made
        made.door.close()
        for caller in made.callers:
            caller.sock.close()
            caller.peer.close()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commands are at work, as the gateway would tell; nobody trickles in."""
    at_work = [0]
    monkeypatch.setattr(door, "TRICKLE_S", 3_600.0)
    monkeypatch.setattr(door, "workloads", [lambda: at_work[0]])
    return at_work


def test_so_many_are_let_in_at_once_and_the_others_in_the_order_of_their_coming(
    house: House, commands: list[int]
) -> None:
    came = [house.comes() for _ in range(AT_ONCE + 2)]
    assert house.admitted == came[:AT_ONCE]
    house.finish(came[0])
    assert house.admitted == came[: AT_ONCE + 1]


def test_nobody_is_let_in_while_those_inside_have_enough_commands_at_work(house: House, commands: list[int]) -> None:
    commands[0] = AT_ONCE
    caller = house.comes()
    assert house.admitted == []
    commands[0] = 0
    gevent.sleep(3 * LOOK_S)
    assert house.admitted == [caller]


def test_nobody_is_let_in_while_there_is_no_room_for_requests(house: House, commands: list[int]) -> None:
    house.room = False
    house.comes()
    assert house.admitted == []
    assert len(house.door) == 1


def test_who_gave_up_waiting_costs_no_handshake(house: House, commands: list[int]) -> None:
    commands[0] = AT_ONCE
    gone, stays = house.comes(), house.comes()
    gone.peer.close()
    gevent.sleep(3 * LOOK_S)
    commands[0] = 0
    gevent.sleep(3 * LOOK_S)
    assert house.admitted == [stays]
    assert gone.closed


def test_a_handshake_that_hangs_keeps_nobody_out_for_long(
    house: House, commands: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "HANDSHAKE_S", 0.05)
    came = [house.comes() for _ in range(AT_ONCE + 1)]
    gevent.sleep(0.1)
    assert house.admitted == came


def test_however_much_is_at_work_somebody_is_let_in_now_and_then(
    house: House, commands: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "TRICKLE_S", 0.02)
    commands[0] = 10 * AT_ONCE
    came = [house.comes(), house.comes()]
    gevent.sleep(0.1)
    assert house.admitted == came


def test_a_door_that_closes_sends_away_who_waits(house: House, commands: list[int]) -> None:
    commands[0] = AT_ONCE
    caller = house.comes()
    house.door.close()
    assert caller.closed
    assert len(house.door) == 0


def test_a_door_is_full_at_its_limit(house: House, commands: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "HELD_MOST", 1)
    commands[0] = AT_ONCE
    assert not house.door.full
    house.comes()
    assert house.door.full


@pytest.mark.parametrize(
    ("begin", "answer"),
    [
        (UPGRADE, True),
        (UPGRADE.replace(b"Upgrade: websocket", b"upgrade: WebSocket"), True),
        (UPGRADE[:-2], False),
        (UPGRADE.replace(b"GET", b"PUT"), False),
        (b"GET /healthz HTTP/1.1\r\n\r\n", False),
    ],
)
def test_a_handshake_is_known_by_its_head(begin: bytes, answer: bool) -> None:
    assert is_upgrade(begin) is answer


def test_a_client_on_a_unix_socket_is_believed_to_be_there() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.close()
        assert not is_gone(ours)


def test_a_socket_that_cannot_be_asked_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.close()
        assert is_gone(listener)
