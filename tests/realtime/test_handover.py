"""Sockets passed from one process to another, both played here, over the real unix socket of the receiving one."""

from __future__ import annotations

import os
from pathlib import Path

import gevent
import pytest

from tests.realtime.handover_house import Broken, MakeHouse, close_all, leave
from tests.realtime.lines import Line, still_engine
from tests.support import ws_frames
from zgpt.realtime import descriptor, handover, handover_leave
from zgpt.realtime.connection import Connection
from zgpt.realtime.handover import Receiver
from zgpt.realtime.handover_leave import NEWER_MS, Successor, living, pass_on, successors, tell_released
from zgpt.realtime.handover_record import VERSION, Ask, Batch, Done, Go, Message, Status, Taken
from zgpt.realtime.handover_wire import connect


def test_sockets_go_on_in_another_process(folder: Path, make_house: MakeHouse, lines: list[Line]) -> None:
    house = make_house()
    ids = [line.conn.id for line in lines]
    assert leave(folder, lines) == 3
    lines[0].send(ws_frames.TEXT, b"hello there")
    house.told.wait("text")
    assert [(conn.id, state.decode()) for conn, state in house.arrived] == [(one, one) for one in ids]
    assert len(house.engine.connections) == 3
    assert all(line.conn.fd < 0 for line in lines)
    house.arrived[0][0].offer(b"hello back")
    assert lines[0].receive() == (ws_frames.TEXT, b"hello back")


def test_they_are_spread_over_the_processes_with_the_fewest(
    folder: Path, make_house: MakeHouse, lines: list[Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover_leave, "AT_ONCE", 1)
    one, other = make_house(), make_house()
    one.engine.connections.add(object())  # type: ignore[arg-type]
    assert leave(folder, lines) == 3
    gevent.sleep(0.01)
    assert (len(one.arrived), len(other.arrived)) == (1, 2)
    one.engine.connections.clear()


def test_a_process_of_a_newer_generation_comes_first(folder: Path, make_house: MakeHouse) -> None:
    old, new = make_house(), make_house()
    now_ms = old.receiver.started_ms
    new.receiver.started_ms = now_ms + NEWER_MS + 1
    assert [one.path for one in successors(folder, now_ms)] == [new.path]
    assert {one.path for one in successors(folder, now_ms + 10)} == {old.path, new.path}


def test_a_process_that_leaves_too_takes_nothing(folder: Path, make_house: MakeHouse, lines: list[Line]) -> None:
    house = make_house()
    chosen = successors(folder, 0)
    house.receiver.leave()
    assert successors(folder, 0) == []
    assert [one.status.process_id for one in living(folder)] == ["process-1"]
    assert pass_on([line.conn for line in lines], chosen, lambda _: b"") == 0
    close_all(lines)
    assert [line.receive_close() for line in lines] == [1012] * 3


def test_what_has_no_room_there_is_left_to_be_closed(folder: Path, make_house: MakeHouse, lines: list[Line]) -> None:
    house = make_house(connections=1)
    assert leave(folder, lines) == 1
    close_all(lines[1:])
    assert [line.receive_close() for line in lines[1:]] == [1012, 1012]
    assert len(house.engine.connections) == 1


def test_an_address_with_too_many_connections_there_is_left(
    folder: Path, make_house: MakeHouse, lines: list[Line]
) -> None:
    make_house(connections_per_network=2)
    for line in lines:
        line.conn.network = "10.0.0.1"
    assert leave(folder, lines) == 2


def test_a_connection_that_closes_is_not_passed(folder: Path, make_house: MakeHouse, lines: list[Line]) -> None:
    make_house()
    lines[0].conn.close(1000)
    assert leave(folder, lines) == 2


def test_runs_are_said_to_be_free_to_one_process(folder: Path, make_house: MakeHouse) -> None:
    houses = [make_house(), make_house()]
    gone = Successor(folder / "gone.sock", Status(VERSION, "gone", 0, 0, leaving=False), 0)
    tell_released([gone, *successors(folder, 0)], "this")
    assert sum(house.released for house in houses) == 1
    tell_released([gone], "this")


def test_a_process_of_another_version_is_left_alone(
    folder: Path, make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_house()
    monkeypatch.setattr(handover, "VERSION", VERSION + 1)
    assert successors(folder, 0) == []


def test_a_record_that_cannot_be_read_is_refused_and_costs_no_descriptor(make_house: MakeHouse) -> None:
    house = make_house()
    read, write = os.pipe()
    with connect(house.path, 2.0) as wire:
        assert wire.ask(Batch([b"nonsense"]), [write]) == Taken([False])
        wire.say(Go())
    descriptor.close(write)
    assert os.read(read, 1) == b""
    descriptor.close(read)


@pytest.mark.parametrize("instead", [None, Done()])
def test_without_the_last_word_nothing_is_written(
    make_house: MakeHouse, lines: list[Line], instead: Message | None
) -> None:
    house, line = make_house(), lines[0]
    record = handover_leave._record_of(handover_leave.Leaver(line.conn), lambda _: b"")
    with connect(house.path, 2.0) as wire:
        assert wire.ask(Batch([record]), [line.conn.fd]) == Taken([True])
        if instead is not None:
            wire.say(instead)
    with gevent.Timeout(5):
        while house.engine.connections:
            gevent.sleep(0.005)
    assert house.arrived == []
    line.conn.go_on()
    close_all([line])
    assert line.receive_close() == 1012


@pytest.mark.parametrize("message", [Go(), Batch([b"a record without its descriptor"])])
def test_what_is_said_out_of_turn_ends_the_conversation(make_house: MakeHouse, message: Message) -> None:
    house = make_house()
    with connect(house.path, 2.0) as wire:
        wire.say(message, [0] if isinstance(message, Go) else None)
        with pytest.raises(OSError, match="not heard"):
            wire.hear()
    assert [one.path for one in living(house.path.parent)] == [house.path]


@pytest.mark.parametrize("answer", [Done(), Taken([True])])
def test_what_one_process_did_not_take_properly_goes_to_the_next(
    folder: Path, make_house: MakeHouse, lines: list[Line], answer: Message
) -> None:
    house, broken = make_house(), Broken(folder, answer)
    assert pass_on([line.conn for line in lines], [broken.successor, house.last], lambda conn: conn.id.encode()) == 3
    lines[2].send(ws_frames.TEXT, b"here")
    house.told.wait("text")
    broken.close()


def test_who_answers_nonsense_is_no_successor(folder: Path) -> None:
    broken = Broken(folder, Done(), Go())
    assert handover_leave._ask(broken.path) is None
    tell_released([broken.successor], "this")
    broken.close()
    assert handover_leave._ask(broken.path) is None


def test_without_a_place_for_its_socket_a_process_goes_on_without(tmp_path: Path) -> None:
    (tmp_path / "handover").write_text("a file")
    receiver = Receiver("process", still_engine(), lambda _: None, lambda: None)
    receiver.start(tmp_path / "handover")
    receiver.stop()


def test_the_status_says_how_many_connections_there_are(make_house: MakeHouse) -> None:
    house = make_house()
    with connect(house.path, 2.0) as wire:
        for _ in range(2):
            status = wire.ask(Ask())
            assert status == Status(VERSION, "process-1", house.receiver.started_ms, 0, leaving=False)


def test_a_frozen_connection_is_frozen_once_by_its_handler(
    folder: Path, make_house: MakeHouse, lines: list[Line]
) -> None:
    house, broken = make_house(), Broken(folder, Done())
    asked: list[Connection] = []

    def freeze(conn: Connection) -> bytes:
        asked.append(conn)
        return b"state"

    assert pass_on([lines[0].conn], [broken.successor, house.last], freeze) == 1
    assert asked == [lines[0].conn]
    broken.close()
