"""What reaches the handler, in which order, and how fairly."""

import gevent
import pytest

from tests.realtime.conftest import MakeLine
from tests.realtime.lines import Line, Recorder
from tests.support.ws_frames import BINARY, CONTINUATION, PING, PONG, TEXT, encode
from zgpt.realtime import inbox
from zgpt.realtime.connection import Connection


def test_messages_reach_the_handler_in_order(line: Line) -> None:
    line.send(TEXT, b"one")
    line.send(BINARY, b"\xff")
    line.send(TEXT, b"two", fin=False)
    line.send(CONTINUATION, b"!")
    line.told.wait("text", 2)
    assert line.told.calls == [("open",), ("text", b"one"), ("binary", b"\xff"), ("text", b"two!")]
    assert line.conn.messages_in == 3


def test_what_came_with_the_handshake_is_delivered_after_open(make_line: MakeLine) -> None:
    line = make_line(early=encode(TEXT, b"early") + encode(TEXT, b"split")[:4])
    line.told.wait("text")
    assert line.told.calls == [("open",), ("text", b"early")]


def test_a_ping_is_answered_with_its_payload_and_a_pong_is_not_answered(line: Line) -> None:
    line.send(PONG, b"unasked")
    line.send(PING, b"are you there")
    assert line.receive() == (PONG, b"are you there")


def test_nothing_is_held_between_messages(line: Line) -> None:
    line.send(TEXT, b"x" * 5_000)
    line.told.wait("text")
    assert line.conn._parser is None


def test_a_flood_of_one_connection_lets_another_have_its_turn(make_line: MakeLine) -> None:
    order: list[str] = []
    flooding, quiet = Recorder(), Recorder()
    flooding.act["text"] = lambda conn, data: order.append("flood")
    quiet.act["text"] = lambda conn, data: order.append("quiet")
    first = make_line(told=flooding)
    second = make_line(first.engine, told=quiet)
    first.peer.sendall(encode(TEXT, b"") * 1_000)
    second.send(TEXT, b"me too")
    flooding.wait("text", 1_000)
    quiet.wait("text")
    assert order.index("quiet") <= 2 * inbox.EVENTS_PER_TURN


def test_a_paused_connection_delivers_nothing_until_it_is_resumed(line: Line) -> None:
    line.told.act["text"] = lambda conn, data: conn.pause_reading()
    line.peer.sendall(encode(TEXT, b"one") + encode(TEXT, b"two"))
    line.told.wait("text")
    line.send(TEXT, b"three")
    gevent.sleep(0.02)
    assert line.told.of("text") == [(b"one",)]
    line.told.act.clear()
    line.conn.resume_reading()
    line.told.wait("text", 3)
    assert line.told.of("text") == [(b"one",), (b"two",), (b"three",)]


def test_a_handler_may_pause_and_resume_within_one_call(line: Line) -> None:
    def toggle(conn: Connection, data: bytes) -> None:
        conn.pause_reading()
        conn.resume_reading()
        conn.resume_reading()

    line.told.act["text"] = toggle
    line.peer.sendall(encode(TEXT, b"x") * 200)
    line.told.wait("text", 200)
    assert line.conn.messages_in == 200


def test_a_handler_may_pause_while_it_waits_for_its_turn(line: Line) -> None:
    line.peer.sendall(encode(TEXT, b"x") * (inbox.EVENTS_PER_TURN + 10))
    line.told.wait("text", inbox.EVENTS_PER_TURN)
    line.conn.pause_reading()
    line.conn.resume_reading()
    line.told.wait("text", inbox.EVENTS_PER_TURN + 10)


def test_a_connection_that_opens_paused_keeps_what_came_early(make_line: MakeLine) -> None:
    told = Recorder()
    told.act["open"] = lambda conn: conn.pause_reading()
    line = make_line(told=told, early=encode(TEXT, b"early"))
    told.wait("open")
    assert told.of("text") == []
    line.conn.resume_reading()
    told.wait("text")


def test_pausing_a_closed_connection_does_nothing(line: Line) -> None:
    line.conn.close(1000)
    line.conn.pause_reading()
    assert line.receive_close() == 1000
    line.peer.close()
    line.told.wait("close")


def test_a_spurious_wake_up_reads_nothing(line: Line) -> None:
    line.conn._on_readable()
    line.send(TEXT, b"still here")
    line.told.wait("text")


@pytest.mark.parametrize("name", ["open", "text", "binary", "drain"])
def test_a_handler_that_fails_closes_the_connection_with_1011(make_line: MakeLine, name: str) -> None:
    told = Recorder()

    def fail(*_: object) -> None:
        raise ValueError("a fault in the handler")

    told.act[name] = fail
    line = make_line(told=told)
    line.send(TEXT, b"x")
    line.send(BINARY, b"x")
    if name == "drain":
        line.block()
    assert line.receive_close() == 1011
    told.wait("close")
    assert told.of("close") == [(1011,)]


def test_without_a_handler_a_connection_says_what_is_missing(line: Line) -> None:
    with pytest.raises(RuntimeError, match="attach"):
        _ = Connection(line.engine).handler


def test_a_read_error_is_an_end(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(fd: int, size: int) -> bytes:
        raise ConnectionResetError

    monkeypatch.setattr("zgpt.realtime.inbox.os.read", broken)
    line.conn._on_readable()
    monkeypatch.undo()
    line.told.wait("close")
    assert line.told.of("close") == [(1006,)]


def test_a_handler_may_pause_and_resume_before_reading_has_begun(make_line: MakeLine) -> None:
    def toggle(conn: Connection) -> None:
        conn.pause_reading()
        conn.resume_reading()

    told = Recorder()
    told.act["open"] = toggle
    line = make_line(told=told)
    line.send(TEXT, b"heard")
    told.wait("text")


def test_a_turn_in_which_all_was_read_is_followed_by_listening(line: Line) -> None:
    line.peer.sendall(encode(TEXT, b"x") * inbox.EVENTS_PER_TURN)
    line.told.wait("text", inbox.EVENTS_PER_TURN)
    line.send(TEXT, b"next")
    line.told.wait("text", inbox.EVENTS_PER_TURN + 1)
    line.conn.pause_reading()
    line.conn.resume_reading()
    line.send(TEXT, b"last")
    line.told.wait("text", inbox.EVENTS_PER_TURN + 2)
