"""However many ask whether the process is ready, its parts are asked one at a time, and once a second."""

from __future__ import annotations

import gevent
import pytest
from flask import Flask
from gevent.event import Event

from zgpt.core import clock
from zgpt.core.readiness import GOOD_FOR_S, add_check

MANY = 50


class Part:
    """Counts how often it was asked; works when it is let, if it works at all."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.asked = 0
        self.broken = False
        self.gate = Event()
        add_check(app, "part", self._check)

    def _check(self) -> None:
        self.asked += 1
        self.gate.wait()
        if self.broken:
            raise RuntimeError

    def status(self) -> int:
        return self.app.test_client().get("/readyz").status_code


@pytest.fixture
def part(app: Flask) -> Part:
    return Part(app)


def test_all_who_ask_at_once_get_the_answer_of_one_probe(part: Part) -> None:
    asking = [gevent.spawn(part.status) for _ in range(MANY)]
    gevent.idle()
    assert part.asked == 1
    part.broken = True
    part.gate.set()
    gevent.joinall(asking, timeout=5)
    assert [one.value for one in asking] == [503] * MANY
    assert part.asked == 1


def test_an_answer_is_good_for_a_second_and_no_longer(part: Part) -> None:
    part.gate.set()
    assert [part.status() for _ in range(MANY)] == [200] * MANY
    part.broken = True
    with clock.moved(GOOD_FOR_S):
        assert [part.status() for _ in range(MANY)] == [503] * MANY
    assert part.asked == 2


def test_the_second_begins_when_the_answer_is_there(part: Part) -> None:
    slow = gevent.spawn(part.status)
    gevent.idle()
    with clock.moved(10 * GOOD_FOR_S):
        part.gate.set()
        assert slow.get(timeout=5) == 200
        assert (part.status(), part.asked) == (200, 1)


def test_a_probe_that_is_killed_leaves_nobody_waiting(part: Part) -> None:
    first = gevent.spawn(part.status)
    gevent.idle()
    second = gevent.spawn(part.status)
    gevent.idle()
    first.kill()
    part.gate.set()
    assert second.get(timeout=5) == 200
    assert part.asked == 2
