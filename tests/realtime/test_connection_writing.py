"""Frames leave whole and in order, a slow reader is bounded, and nothing is written twice."""

from unittest.mock import Mock

import gevent
import pytest

from tests.realtime.conftest import MakeLine
from tests.realtime.lines import Line
from tests.support.ws_frames import BINARY, CLOSE, PING, TEXT
from zgpt.realtime.connection import Connection
from zgpt.realtime.frames import encode_text
from zgpt.realtime.outbox import CONTROL_QUEUE_BYTES, CONTROL_QUEUE_FRAMES


def read_until_drained(line: Line) -> None:
    line.told.wait("open")
    while line.receive()[0] == BINARY and not line.told.of("drain"):
        pass


def test_a_frame_is_written_at_once(line: Line) -> None:
    assert line.conn.send_frame(encode_text(b"hello"))
    assert line.receive() == (TEXT, b"hello")
    assert line.conn.bytes_out == len(b"HEAD") + 7


def test_an_offered_message_is_written_at_once(line: Line) -> None:
    assert line.conn.offer(b"hello")
    assert line.receive() == (TEXT, b"hello")


def test_a_half_written_frame_is_finished_before_anything_else(line: Line) -> None:
    line.block()
    assert not line.conn.send_frame(encode_text(b"lost, because the connection is blocked"))
    assert line.conn.offer(b"first")
    assert line.conn.offer(b"second")
    texts: list[bytes] = []
    while len(texts) < 2:
        opcode, payload = line.receive()
        if opcode == TEXT:
            texts.append(payload)
    assert texts == [b"first", b"second"]
    line.told.wait("drain")
    assert not line.conn.blocked
    assert line.conn.send_frame(encode_text(b"third"))
    assert line.receive() == (TEXT, b"third")


def test_drain_is_told_once_per_block_and_the_next_block_works(line: Line) -> None:
    for times in (1, 2):
        line.block()
        while len(line.told.of("drain")) < times:
            line.receive()
        line.told.wait("drain", times)
    assert line.told.of("drain") == [(), ()]


def test_a_handler_may_block_again_while_it_drains(line: Line) -> None:
    def block_again(_: Connection) -> None:
        if len(line.told.of("drain")) < 2:
            line.block()

    line.told.act["drain"] = block_again
    line.block()
    while len(line.told.of("drain")) < 2:
        line.receive()
    assert not line.conn.blocked


def test_a_blocked_connection_remembers_the_shared_frame_and_copies_nothing(line: Line) -> None:
    frame = encode_text(b"x" * 3_000_000)
    line.conn.send_frame(frame)
    assert line.conn.blocked
    assert line.conn._out is frame


def test_a_queue_with_too_many_messages_closes_with_4000(line: Line) -> None:
    line.block()
    for _ in range(CONTROL_QUEUE_FRAMES):
        assert line.conn.offer(b"x")
    assert not line.conn.offer(b"one too many")
    assert line.conn.closed
    assert line.receive_close() == 4000
    assert line.told.of("close") == [(4000,)]


def test_a_queue_with_too_many_bytes_closes_with_4000(line: Line) -> None:
    line.block()
    assert line.conn.offer(b"x" * (CONTROL_QUEUE_BYTES + 1)), "one message of any size is taken"
    assert not line.conn.offer(b"x")
    assert line.receive_close() == 4000


def test_the_queue_has_its_whole_room_again_after_it_was_written(line: Line) -> None:
    line.block()
    line.conn.offer(b"x" * (CONTROL_QUEUE_BYTES - 100))
    while not line.told.of("drain"):
        line.receive()
    line.block()
    assert line.conn.offer(b"x" * (CONTROL_QUEUE_BYTES - 100))
    assert line.conn.offer(b"y")


def test_nothing_is_taken_by_a_closed_connection(line: Line) -> None:
    line.conn.close(1000)
    assert not line.conn.offer(b"x")
    assert not line.conn.send_frame(encode_text(b"x"))
    assert line.receive() == (CLOSE, b"\x03\xe8")


def test_nothing_is_taken_before_the_connection_starts(line: Line) -> None:
    fresh = Connection(line.engine)
    fresh.attach(line.told)
    fresh.close(1000)
    assert not fresh.offer(b"x")
    assert not fresh.send_frame(b"x")


def test_a_reset_that_is_noticed_by_a_write_closes_with_1006(line: Line) -> None:
    line.conn.pause_reading()
    line.reset()
    gevent.sleep(0.02)
    assert not line.conn.send_frame(encode_text(b"x"))
    assert line.conn.closed
    assert line.told.of("close") == [], "no callback from inside send_frame"
    line.told.wait("close")
    assert line.told.of("close") == [(1006,)]


def test_an_offer_to_a_reset_connection_says_that_it_is_lost(line: Line) -> None:
    line.conn.pause_reading()
    line.reset()
    gevent.sleep(0.02)
    assert not line.conn.offer(b"x")


def test_a_reset_while_blocked_closes_with_1006(line: Line) -> None:
    line.conn.pause_reading()
    line.block()
    line.reset()
    line.told.wait("close")
    assert line.told.of("close") == [(1006,)]


def test_a_writer_that_wakes_for_nothing_waits_on(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.block()
    with monkeypatch.context() as full:
        # On a busy machine the kernel finds room for a little more behind our back.
        full.setattr("zgpt.realtime.outbox._write", Mock(side_effect=BlockingIOError))
        line.conn._on_writable()
    assert line.conn.blocked


def test_a_stalled_reader_is_told_4001_and_then_reset(make_line: MakeLine) -> None:
    line = make_line(send_stall_s=30)
    line.told.wait("open")
    line.block()
    line.tick(29)
    assert not line.conn.closed
    line.tick(1)
    line.told.wait("close")
    assert line.told.of("close") == [(4001,)]
    assert line.engine.connections
    line.tick(2)
    assert not line.engine.connections
    with pytest.raises(ConnectionResetError):
        line.exactly(100_000_000)


def test_a_slow_reader_that_makes_progress_is_not_stalled(make_line: MakeLine) -> None:
    line = make_line(send_stall_s=30, heartbeat_s=1_000)
    line.told.wait("open")
    line.conn.send_frame(encode_text(b"x" * 20_000_000))
    line.tick(29)
    line.exactly(8_000_000)
    line.tick(29)
    assert line.conn.blocked
    assert not line.conn.closed


def test_a_reader_that_caught_up_has_no_deadline_any_more(make_line: MakeLine) -> None:
    line = make_line(send_stall_s=3, heartbeat_s=1_000)
    line.block()
    read_until_drained(line)
    line.tick(10)
    assert not line.conn.closed


def test_a_stalled_reader_that_wakes_up_in_time_gets_everything_and_the_close(make_line: MakeLine) -> None:
    line = make_line(send_stall_s=5)
    line.told.wait("open")
    line.block()
    line.conn.offer(b"waiting")
    line.tick(5)
    events: list[tuple[int, bytes]] = []
    while not events or events[-1][0] != CLOSE:
        events.append(line.receive())
    assert events[-2] == (TEXT, b"waiting")
    assert PING not in [opcode for opcode, _ in events]
