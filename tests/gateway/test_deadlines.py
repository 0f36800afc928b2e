"""Moments that are due, for all connections by one clock."""

from unittest.mock import Mock

import gevent
import pytest

from zgpt.core import clock
from zgpt.gateway import deadlines
from zgpt.gateway.client import Client
from zgpt.gateway.deadlines import Deadlines


class Due:
    """Remembers who was due."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.deadlines = Deadlines(self.clients.append)

    def tick(self, in_s: float) -> int:
        with clock.moved(in_s):
            self.deadlines.tick()
        return len(self.clients)


@pytest.fixture
def due() -> Due:
    return Due()


def _in(seconds: float) -> float:
    return clock.now_ms() / 1000 + seconds


def test_a_deadline_is_due_within_two_seconds_after_its_moment_and_never_before(due: Due) -> None:
    due.deadlines.set(Client(Mock()), _in(10))
    assert [due.tick(9.9), due.tick(12)] == [0, 1]


def test_it_is_due_once(due: Due) -> None:
    due.deadlines.set(Client(Mock()), _in(1))
    assert [due.tick(5), due.tick(6)] == [1, 1]


def test_a_new_deadline_replaces_the_one_before(due: Due) -> None:
    client = Client(Mock())
    due.deadlines.set(client, _in(1))
    due.deadlines.set(client, _in(100))
    assert [due.tick(50), due.tick(102)] == [0, 1]


def test_a_cleared_deadline_is_never_due_and_nothing_is_left(due: Due) -> None:
    one, other = Client(Mock()), Client(Mock())
    due.deadlines.set(one, _in(1))
    due.deadlines.set(other, _in(1))
    due.deadlines.clear(one)
    due.deadlines.clear(one)
    assert (due.tick(5), due.clients) == (1, [other])
    assert due.deadlines._buckets == {}


def test_a_fault_with_one_client_does_not_spare_the_others() -> None:
    seen: list[Client] = []

    def act(client: Client) -> None:
        seen.append(client)
        raise RuntimeError("broken")

    broken = Deadlines(act)
    for _ in range(2):
        broken.set(Client(Mock()), _in(1))
    with clock.moved(5):
        broken.tick()
    assert len(seen) == 2


def test_it_ticks_until_it_is_stopped(due: Due, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "TICK_S", 0.005)
    due.deadlines.set(Client(Mock()), _in(-5))
    running = gevent.spawn(due.deadlines.run)
    with gevent.Timeout(5):
        while not due.clients:
            gevent.sleep(0.005)
    due.deadlines.stop()
    running.get(timeout=5)
