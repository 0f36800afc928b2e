"""What an idle connection costs, and that nothing of it stays."""

import gc
import os
import socket
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack

import gevent
import pytest

from tests.realtime.conftest import MakeLine
from tests.realtime.lines import Recorder, still_engine
from tests.support.ws_frames import TEXT, encode
from zgpt.realtime.connection import Connection

COUNT = 300
BUDGET_BYTES = 1_024


def live_connections() -> int:
    gc.collect()
    return sum(type(thing) is Connection for thing in gc.get_objects())


class Silent(Recorder):
    """Notes nothing, so that only the connection is measured."""

    def _note(self, name: str, conn: Connection, *args: object) -> None:
        pass


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_an_idle_connection_that_has_been_used_costs_less_than_a_kib(opened: ExitStack) -> None:
    engine, handler = still_engine(), Silent()
    pairs = [socket.socketpair() for _ in range(COUNT)]
    for ours, peer in pairs:
        opened.enter_context(ours)
        opened.enter_context(peer)
    descriptors = [(os.dup(ours.fileno()), peer) for ours, peer in pairs]
    connections = []
    gevent.sleep(0)
    tracemalloc.start()
    for fd, peer in descriptors:
        os.set_blocking(fd, False)
        connection = Connection(engine)
        connection.attach(handler)
        connection.start(fd, b"HEAD")
        peer.sendall(encode(TEXT, b"hello"))
        connections.append(connection)
    while not all(connection.messages_in for connection in connections):
        gevent.sleep(0.01)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for connection in connections:
        connection._finish()
    assert used / COUNT < BUDGET_BYTES


def test_a_connection_has_no_dictionary() -> None:
    assert not hasattr(Connection(still_engine()), "__dict__")


def test_connections_that_came_and_went_leave_nothing(make_line: MakeLine) -> None:
    keeper = make_line()
    before = live_connections()
    for _ in range(20):
        line = make_line(keeper.engine)
        line.send(TEXT, b"x")
        line.told.wait("text")
        line.peer.close()
        line.told.wait("close")
        line.conn = keeper.conn
        del line
    gevent.sleep(0)
    keeper.tick(keeper.engine.heartbeat + 1)
    assert live_connections() == before
