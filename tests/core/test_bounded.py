"""How the answer of PostgreSQL is waited for in a server: by the socket alone, and not for ever."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator

import psycopg
import pytest
from psycopg.waiting import Ready, Wait

from zgpt.core import clock
from zgpt.core.bounded import _wait

Wire = tuple[socket.socket, socket.socket]
Question = Generator[Wait, Ready | int, str]


@pytest.fixture
def wire() -> Iterator[Wire]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def asks_for(*states: Wait) -> Question:
    """Wants the socket so, one state after the other; what it was told each time."""
    told = ""
    for state in states:
        told += Ready((yield state)).name or ""
    return told


def test_who_needs_no_socket_is_answered_at_once(wire: Wire) -> None:
    assert _wait(asks_for(), wire[0].fileno(), 0.0) == ""


def test_reading_and_writing_go_on_when_the_socket_is_ready(wire: Wire) -> None:
    wire[1].send(b"x")
    states = Wait.W, Wait.R, Wait.RW
    assert _wait(asks_for(*states), wire[0].fileno(), 5.0) == "WRRW"


def test_what_is_not_answered_ends_in_time_as_trouble_of_the_database(wire: Wire) -> None:
    began_s = clock.monotonic()
    with pytest.raises(psycopg.OperationalError, match="no answer in time"):
        _wait(asks_for(Wait.R), wire[0].fileno(), 0.05)
    assert 0.04 < clock.monotonic() - began_s < 2.0


def test_what_comes_in_pieces_has_one_time_for_all_of_them(wire: Wire) -> None:
    wire[1].send(b"x")
    with pytest.raises(psycopg.OperationalError):
        _wait(asks_for(*[Wait.R] * 10_000_000), wire[0].fileno(), 0.1)


def test_who_hangs_up_ends_the_wait(wire: Wire) -> None:
    wire[1].close()
    assert _wait(asks_for(Wait.R), wire[0].fileno(), 5.0) == "R"
