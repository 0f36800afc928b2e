"""Silence is noticed, life is believed, and thousands of heartbeats cost next to nothing."""

import gevent
import pytest

from tests.realtime.conftest import MakeLine
from tests.realtime.lines import Recorder, tcp_pair
from tests.support.ws_frames import PING, PONG, TEXT
from zgpt.realtime import descriptor, ticker
from zgpt.realtime.connection import Connection
from zgpt.realtime.loop import Engine, Limits, open_connections


def test_a_silent_peer_is_pinged_and_closed_when_it_does_not_answer(make_line: MakeLine) -> None:
    line = make_line(heartbeat_s=25, heartbeat_slack_s=10)
    line.told.wait("open")
    line.tick(25)
    assert line.receive() == (PING, b"")
    line.tick(9)
    assert not line.conn.closed
    line.tick(1)
    assert line.receive_close() == 4002
    line.told.wait("close")
    assert line.told.of("close") == [(4002,)]


def test_a_peer_that_answers_is_pinged_again_after_the_next_silence(make_line: MakeLine) -> None:
    line = make_line(heartbeat_s=25, heartbeat_slack_s=10)
    line.told.wait("open")
    for _ in range(3):
        line.tick(25)
        assert line.receive() == (PING, b"")
        line.send(PONG, b"")
        while line.conn.seen < line.engine.ticker.now:
            gevent.sleep(0)
    line.tick(24)
    assert not line.conn.closed


def test_any_traffic_counts_as_life(make_line: MakeLine) -> None:
    line = make_line(heartbeat_s=25, heartbeat_slack_s=10)
    for count in range(1, 6):
        line.tick(20)
        line.send(TEXT, b"busy")
        line.told.wait("text", count)
    line.conn.offer(b"end")
    assert line.receive() == (TEXT, b"end"), "and was never pinged"


def test_a_late_ping_still_gives_the_peer_its_time(make_line: MakeLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "_LEAST_PER_TICK", 0)
    line = make_line(heartbeat_s=25, heartbeat_slack_s=10)
    line.told.wait("open")
    line.tick(45)
    assert not line.conn.closed
    monkeypatch.setattr(ticker, "_LEAST_PER_TICK", 10)
    line.tick(1)
    assert line.receive() == (PING, b"")
    assert not line.conn.closed


def test_a_paused_connection_is_not_taken_for_dead(make_line: MakeLine) -> None:
    line = make_line(heartbeat_s=25, heartbeat_slack_s=10)
    line.told.wait("open")
    line.conn.pause_reading()
    line.tick(200)
    assert not line.conn.closed


def test_a_closed_connection_leaves_the_wheel(make_line: MakeLine) -> None:
    line = make_line(heartbeat_s=3)
    other = make_line(line.engine)
    line.told.wait("open")
    line.conn.close(1000)
    line.tick(3)
    assert [conn for bucket in line.engine.ticker._wheel.values() for conn in bucket] == [other.conn]


def test_pings_of_a_storm_are_spread_over_ticks(make_line: MakeLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "_LEAST_PER_TICK", 2)
    first = make_line(heartbeat_s=5, heartbeat_slack_s=10)
    lines = [first, *(make_line(first.engine) for _ in range(4))]
    pinged = []
    for _ in range(8):
        first.tick(1)
        pinged.append(sum(line.conn._pinged > 0 for line in lines))
    assert pinged == [0, 0, 0, 0, 2, 4, 5, 5]


def test_the_timer_runs_while_there_are_connections_and_no_longer() -> None:
    engine = Engine(Limits(heartbeat_s=0.02, heartbeat_slack_s=0.02, close_wait_s=0.02), tick_s=0.01)
    told = Recorder()
    ours, peer = tcp_pair()
    conn = Connection(engine)
    conn.attach(told)
    descriptor.set_options(ours)
    before = open_connections()
    conn.start(ours.detach(), b"HEAD")
    assert open_connections() == before + 1
    told.wait("close")
    assert told.of("close") == [(4002,)]
    with gevent.Timeout(5):
        while engine.connections:
            gevent.sleep(0.01)
    assert engine.ticker._timer is None
    assert engine.ticker._wheel == {}
    peer.close()


def test_a_full_engine_says_so(make_line: MakeLine) -> None:
    line = make_line(connections=1)
    assert line.engine.full
    line.conn._lost()
    assert not line.engine.full


def test_the_age_of_a_connection_is_counted_in_seconds() -> None:
    engine = Engine(Limits(), tick_s=0.5)
    engine.ticker.tick()
    assert engine.ticker.seconds_since(1) == pytest.approx(0.5)
