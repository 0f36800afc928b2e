"""Sockets that are passed on while their peers, or those who should take them, fail in the middle."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import gevent
import pytest

from tests.realtime.conftest import MakeLine
from tests.realtime.handover_house import Broken, MakeHouse, leave
from tests.realtime.lines import Line
from tests.realtime.redis_house import wait
from tests.support import ws_frames
from zgpt.realtime import handover_leave
from zgpt.realtime.connection import Connection
from zgpt.realtime.handover import Arrival
from zgpt.realtime.handover_leave import pass_on
from zgpt.realtime.handover_record import Done


def make_lines(make_line: MakeLine, count: int) -> list[Line]:
    """Open connections that have begun to read."""
    lines = [make_line() for _ in range(count)]
    for line in lines:
        line.told.wait("open")
    gevent.sleep(0.02)
    return lines


def test_one_that_goes_between_two_tries_costs_the_others_nothing(
    folder: Path, make_house: MakeHouse, make_line: MakeLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover_leave, "AT_ONCE", 2)
    house, lines = make_house(), make_lines(make_line, 5)
    lines[0].block()

    def freeze(connection: Connection) -> bytes:
        if connection is lines[0].conn:
            lines[0].reset()
        return b""

    with closing(Broken(folder, Done())) as broken:
        assert pass_on([line.conn for line in lines], [broken.successor, house.last], freeze) == 4
    wait(lambda: len(house.arrived) == 4, "those that stayed did not arrive")
    assert lines[0].told.of("close") == [(1006,)]


def test_arrivals_that_cannot_be_taken_care_of_are_let_go_and_the_others_stay(
    folder: Path, make_house: MakeHouse, lines: list[Line]
) -> None:
    house = make_house()
    take = house.receiver._arrived

    def take_one(arrivals: list[Arrival]) -> None:
        take(arrivals[:1])
        raise RuntimeError("broken")

    house.receiver._arrived = take_one
    assert leave(folder, lines) == 3
    wait(lambda: len(house.engine.connections) == 1, "they stay at rest for good")
    assert [line.at_end() for line in lines[1:]] == [True, True]
    lines[0].send(ws_frames.TEXT, b"here")
    house.told.wait("text")
