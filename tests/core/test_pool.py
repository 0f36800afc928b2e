"""Which connections are asked whether they live before they are lent, and which are believed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import QueuePool

from zgpt.core import clock
from zgpt.core.pool import BELIEVED_S, FairPool


class Server:
    """The connections of a pool, each with its other end, and those that were asked."""

    def __init__(self) -> None:
        self.ends: dict[int, socket.socket] = {}
        self.pinged: list[int] = []

    def connect(self) -> Wire:
        wire, end = socket.socketpair()
        self.ends[wire.fileno()] = end
        return Wire(wire)

    def _do_ping_w_event(self, wire: Wire) -> bool:
        self.pinged.append(wire.fileno())
        return True

    def close(self) -> None:
        for end in self.ends.values():
            end.close()


class Wire:
    """What a pool needs of a connection."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self.closed = False

    def fileno(self) -> int:
        return self._wire.fileno()

    def rollback(self) -> None:
        """Nothing was done."""

    def close(self) -> None:
        self.closed = True
        self._wire.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def pool(server: Server) -> Iterator[QueuePool]:
    made = FairPool(server.connect, pool_size=1, max_overflow=0, timeout=1, pre_ping=True)
    dialect: Any = made._dialect
    made._dialect = type("Dialect", (type(dialect),), {"_do_ping_w_event": server._do_ping_w_event})()
    yield made
    made.dispose()


def _use(pool: QueuePool) -> int:
    """Borrow a connection and give it back; its descriptor."""
    lent: Any = pool.connect()
    fd: int = lent.dbapi_connection.fileno()
    lent.close()
    return fd


def test_one_that_came_back_a_moment_ago_is_not_asked(pool: QueuePool, server: Server) -> None:
    assert _use(pool) == _use(pool) == _use(pool)
    assert server.pinged == []


def test_one_that_was_idle_is_asked(pool: QueuePool, server: Server) -> None:
    fd = _use(pool)
    with clock.moved(BELIEVED_S + 0.1):
        assert _use(pool) == fd
    assert server.pinged == [fd]


def test_one_whose_server_has_said_something_unasked_is_asked(pool: QueuePool, server: Server) -> None:
    fd = _use(pool)
    server.ends[fd].send(b"terminating connection due to administrator command")
    _use(pool)
    assert server.pinged == [fd]


def test_one_whose_server_has_hung_up_is_asked(pool: QueuePool, server: Server) -> None:
    fd = _use(pool)
    server.ends[fd].close()
    _use(pool)
    assert server.pinged == [fd]


def test_one_that_was_closed_on_this_side_is_asked(pool: QueuePool, server: Server) -> None:
    lent: Any = pool.connect()
    fd: int = lent.dbapi_connection.fileno()
    lent.dbapi_connection.closed = True
    lent.close()
    _use(pool)
    assert server.pinged == [fd]
