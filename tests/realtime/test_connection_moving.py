"""A connection that goes on in another process: frozen at one descriptor, adopted at another, byte for byte."""

import os

import pytest

from tests.realtime.conftest import MakeLine
from tests.realtime.lines import Line, Recorder, still_engine
from tests.support import ws_frames
from zgpt.realtime.connection import Connection
from zgpt.realtime.frames import encode_text
from zgpt.realtime.handover_record import Parcel


def freeze(line: Line) -> tuple[int, Parcel]:
    """What goes over the wire: a descriptor of its own, and the rest."""
    parcel = line.conn.freeze(b"")
    return os.dup(line.conn.fd), parcel


def move(line: Line) -> Recorder:
    """Let the connection go on in another engine; returns the handler there."""
    told, engine = Recorder(), still_engine()
    fd, parcel = freeze(line)
    line.conn.let_go()
    line.engine, line.conn = engine, Connection.adopt(engine, fd, parcel)
    line.conn.attach(told)
    line.conn.go_on()
    line.conn.read_on()
    return told


@pytest.mark.parametrize("cut", [1, 3, 7, 12])
def test_a_frame_that_was_half_read_is_read_to_its_end_elsewhere(line: Line, cut: int) -> None:
    frame = ws_frames.encode(ws_frames.TEXT, b"one whole message")
    line.peer.sendall(ws_frames.encode(ws_frames.TEXT, b"before") + frame[:cut])
    line.told.wait("text")
    told = move(line)
    line.peer.sendall(frame[cut:])
    told.wait("text")
    assert told.of("text") == [(b"one whole message",)]
    assert line.conn.messages_in == 2


def test_a_message_in_fragments_goes_on_in_the_middle_of_a_character(line: Line) -> None:
    line.send(ws_frames.TEXT, b"caf\xc3", fin=False)
    line.send(ws_frames.PING, b"here")
    assert line.receive() == (ws_frames.PONG, b"here")
    told = move(line)
    line.send(ws_frames.CONTINUATION, b"\xa9")
    told.wait("text")
    assert told.of("text") == [("café".encode(),)]


def test_a_binary_message_in_fragments_goes_on(line: Line) -> None:
    line.send(ws_frames.BINARY, b"one ", fin=False)
    line.send(ws_frames.PING, b"")
    line.receive()
    told = move(line)
    line.send(ws_frames.CONTINUATION, b"two")
    told.wait("binary")
    assert told.of("binary") == [(b"one two",)]


def test_messages_that_were_read_and_had_no_turn_are_delivered_elsewhere(line: Line) -> None:
    line.told.act["text"] = lambda conn, _data: conn.pause_reading()
    line.peer.sendall(b"".join(ws_frames.encode(ws_frames.TEXT, b"%d" % number) for number in range(5)))
    line.told.wait("text")
    told = move(line)
    told.wait("text", 4)
    assert told.of("text") == [(b"1",), (b"2",), (b"3",), (b"4",)]


def test_a_frame_that_was_half_written_is_finished_first_and_the_queue_follows(make_line: MakeLine) -> None:
    line = make_line(rcvbuf=4_096)
    line.told.wait("open")
    sent = line.block()
    line.conn.offer(b"waited")
    told = move(line)
    assert line.conn.blocked
    line.conn.offer(b"behind")
    assert line.exactly(len(sent)) == sent
    assert [line.receive() for _ in range(2)] == [(ws_frames.TEXT, b"waited"), (ws_frames.TEXT, b"behind")]
    told.wait("drain")
    assert not line.conn.blocked


def test_a_connection_that_nobody_took_goes_on_where_it_was(make_line: MakeLine) -> None:
    line = make_line(rcvbuf=4_096)
    line.told.wait("open")
    sent = line.block()
    line.conn.freeze(b"")
    assert not line.conn.offer(b"lost while frozen")
    line.conn.go_on()
    line.conn.read_on()
    line.conn.read_on()
    line.conn.close(1012)
    assert line.exactly(len(sent)) == sent
    assert line.receive_close() == 1012


def test_at_rest_it_is_counted_and_its_heart_beats_afterwards(line: Line) -> None:
    fd, parcel = freeze(line)
    line.conn.let_go()
    engine = still_engine(heartbeat_s=2)
    adopted = Connection.adopt(engine, fd, parcel)
    assert engine.connections == {adopted}
    for _ in range(3):
        engine.ticker.tick()
    adopted.attach(Recorder())
    adopted.go_on()
    adopted.read_on()
    for _ in range(4):
        engine.ticker.tick()
    assert line.receive()[0] == ws_frames.PING
    adopted.let_go()
    assert engine.connections == set()
    assert adopted.beat(engine.ticker.now) == 0
    adopted.read_on()


def test_the_peer_of_a_connection_that_was_let_go_notices_nothing_while_another_holds_it(line: Line) -> None:
    told = move(line)
    line.conn.send_frame(encode_text(b"still there"))
    assert line.receive() == (ws_frames.TEXT, b"still there")
    line.peer.close()
    told.wait("close")
    assert line.told.of("close") == []


def test_one_that_has_not_begun_or_is_closing_cannot_be_moved(make_line: MakeLine) -> None:
    line = make_line()
    assert not line.conn.is_movable
    line.told.wait("open")
    line.send(ws_frames.PING)
    line.receive()
    assert line.conn.is_movable
    line.conn.close(1000)
    assert not line.conn.is_movable
