"""However a connection ends, it ends in bounded time, in words where there are any, and in one on_close."""

import socket
import struct

import gevent
import pytest

from tests.realtime.conftest import MakeLine
from tests.realtime.lines import HEAD, Line, Recorder, still_engine, tcp_pair
from tests.support.ws_frames import CLOSE, PING, TEXT, encode
from zgpt.core import metrics
from zgpt.realtime import descriptor
from zgpt.realtime.connection import Connection


def gone(line: Line) -> bool:
    return line.conn not in line.engine.connections and line.conn._fd == -1


def test_a_close_is_sent_answered_and_over(line: Line) -> None:
    line.conn.close(4501, "signed out")
    assert line.receive() == (CLOSE, (4501).to_bytes(2, "big") + b"signed out")
    assert not gone(line)
    line.send(CLOSE, (4501).to_bytes(2, "big"))
    assert line.at_end()
    assert gone(line)
    assert line.told.of("close") == [(4501,)]


def test_closing_twice_is_closing_once(line: Line) -> None:
    line.conn.close(1000)
    line.conn.close(1001)
    line.send(CLOSE)
    assert line.receive_close() == 1000
    assert line.at_end()
    assert line.told.of("close") == [(1000,)]


def test_the_handler_hears_of_a_close_after_the_call_not_within_it(line: Line) -> None:
    line.conn.close(1000)
    assert line.told.of("close") == []
    line.told.wait("close")


@pytest.mark.parametrize(("payload", "code"), [(b"", 1005), (b"\x03\xe8", 1000), (b"\x0f\xa1bye", 4001)])
def test_a_close_of_the_peer_is_answered_with_its_code(line: Line, payload: bytes, code: int) -> None:
    line.send(CLOSE, payload)
    assert line.receive() == (CLOSE, payload[:2])
    assert line.at_end()
    assert gone(line)
    assert line.told.of("close") == [(code,)]


def test_messages_after_our_close_are_not_delivered(line: Line) -> None:
    line.conn.close(1000)
    line.peer.sendall(encode(TEXT, b"late") + encode(PING, b"late") + encode(CLOSE, b"\x03\xe8"))
    assert line.receive_close() == 1000
    assert line.at_end()
    assert line.told.of("text") == []


def test_messages_behind_the_peers_close_are_not_delivered(line: Line) -> None:
    line.peer.sendall(encode(CLOSE, b"\x03\xe8") + encode(TEXT, b"late"))
    assert line.receive_close() == 1000
    line.told.wait("close")
    assert line.told.of("text") == []


def test_a_peer_that_does_not_answer_a_close_is_left_after_two_seconds(line: Line) -> None:
    line.conn.close(1001)
    line.tick(1)
    assert not gone(line)
    line.tick(1)
    assert gone(line)
    assert line.receive_close() == 1001
    assert line.at_end()


def test_a_close_waits_behind_what_is_blocked(line: Line) -> None:
    line.block()
    line.conn.offer(b"before")
    line.conn.close(1012, '{"retry_after_ms":100}')
    line.send(CLOSE, b"\x03\xf4")
    events: list[tuple[int, bytes]] = []
    while not events or events[-1][0] != CLOSE:
        events.append(line.receive())
    assert events[-2] == (TEXT, b"before")
    assert line.at_end()


def test_a_close_on_a_blocked_connection_without_a_queue_is_sent_when_it_can(line: Line) -> None:
    line.block()
    line.conn.close(1001)
    assert line.receive_close() == 1001


def test_a_close_that_blocks_itself_waits_two_seconds_only(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.told.wait("open")
    sent = []

    def full(fd: int, data: bytes) -> int:
        sent.append(data)
        raise BlockingIOError

    monkeypatch.setattr("zgpt.realtime.outbox._write", full)
    line.conn.close(1000)
    assert sent
    line.tick(2)
    assert gone(line)


def test_a_peer_that_is_gone_when_it_is_told_the_close_is_gone(line: Line) -> None:
    line.conn.pause_reading()
    line.reset()
    gevent.sleep(0.02)
    line.conn.close(1001)
    assert gone(line)
    line.told.wait("close")
    assert line.told.of("close") == [(1001,)]


def test_an_end_without_a_close_frame_is_1006(line: Line) -> None:
    line.peer.close()
    line.told.wait("close")
    assert line.told.of("close") == [(1006,)]
    assert gone(line)


def test_a_reset_is_1006(line: Line) -> None:
    line.reset()
    line.told.wait("close")
    assert line.told.of("close") == [(1006,)]
    assert gone(line)


def test_an_end_while_we_wait_for_the_answer_to_our_close_keeps_our_code(line: Line) -> None:
    line.conn.close(1000)
    line.peer.close()
    line.told.wait("close")
    gevent.sleep(0.02)
    assert gone(line)
    assert line.told.of("close") == [(1000,)]


def test_a_reset_before_it_opened_still_opens_and_closes(make_line: MakeLine) -> None:
    told = Recorder()
    told.act["open"] = lambda conn: conn._lost()
    make_line(told=told)
    told.wait("close")
    assert told.calls == [("open",), ("close", 1006)]


def test_closing_a_paused_connection_still_sees_the_answer(line: Line) -> None:
    line.conn.pause_reading()
    line.send(TEXT, b"never delivered")
    line.conn.close(1000)
    line.send(CLOSE, b"\x03\xe8")
    assert line.receive_close() == 1000
    assert line.at_end()
    assert line.told.of("text") == []


@pytest.mark.parametrize(
    ("broken", "code", "name"),
    [
        (b"\x81\x05hello", 1002, "not_masked"),
        (encode(TEXT, b"\xff"), 1007, "bad_utf8"),
        (encode(CLOSE, b"\x01"), 1002, "bad_close"),
    ],
)
def test_a_broken_frame_is_told_counted_and_the_rest_thrown_away(
    line: Line, broken: bytes, code: int, name: str
) -> None:
    before = metrics.BAD_FRAMES.labels(name)._value.get()
    line.peer.sendall(broken + encode(TEXT, b"behind"))
    assert line.receive_close() == code
    assert line.peer.recv(1) == b"", "our half is closed"
    line.peer.sendall(b"more rubbish" * 10_000)
    assert not gone(line)
    line.peer.close()
    line.told.wait("close")
    gevent.sleep(0.02)
    assert gone(line)
    assert line.told.calls == [("open",), ("close", code)]
    assert metrics.BAD_FRAMES.labels(name)._value.get() == before + 1


def test_a_message_above_the_limit_closes_with_1009(make_line: MakeLine) -> None:
    line = make_line(message_bytes=100)
    line.send(TEXT, b"x" * 101)
    assert line.receive_close() == 1009


def test_a_broken_frame_instead_of_the_answer_to_our_close_ends_it(line: Line) -> None:
    line.conn.close(1000)
    line.peer.sendall(b"\x81\x05hello")
    assert line.receive_close() == 1000
    assert line.at_end()
    assert gone(line)


def test_a_handler_that_fails_at_the_close_is_logged_and_nothing_leaks(line: Line) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a fault in the handler")

    line.told.act["close"] = fail
    line.peer.close()
    line.told.wait("close")
    gevent.sleep(0)
    assert gone(line)
    assert line.conn._handler is None


def test_nothing_is_left_of_a_connection_that_is_over(line: Line) -> None:
    line.send(TEXT, b"x", fin=False)
    line.block()
    line.conn.offer(b"x")
    line.reset()
    line.told.wait("close")
    gevent.sleep(0)
    conn = line.conn
    assert (conn._reader, conn._writer, conn._turn, conn._parser, conn._queue, conn._handler) == (None,) * 6
    assert conn._out == b""
    assert line.engine.ticker._deadlines == {}


def test_the_gauge_counts_open_sockets(make_line: MakeLine) -> None:
    before = metrics.CONNECTIONS._value.get()
    line = make_line()
    assert metrics.CONNECTIONS._value.get() == before + 1
    line.conn.close(1000)
    line.send(CLOSE)
    assert line.receive_close() == 1000
    assert line.at_end()
    assert metrics.CONNECTIONS._value.get() == before


def test_a_peer_that_is_gone_before_the_first_word_is_told_open_and_then_closed() -> None:
    told, (ours, peer) = Recorder(), tcp_pair()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    gevent.sleep(0.02)
    conn = Connection(still_engine())
    conn.attach(told)
    descriptor.set_options(ours)
    conn.start(ours.detach(), HEAD)
    told.wait("close")
    assert told.calls == [("open",), ("close", 1006)]
