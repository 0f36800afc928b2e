"""How the connections of a process that ends find another one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import Mock

import gevent
import pytest

from tests.gateway.conftest import Chat
from tests.gateway.pages import Page, freeze, held_answer
from tests.support import ws_frames
from zgpt.gateway.departure import Departure
from zgpt.gateway.handover import RETRY_AFTER_MS, Handover
from zgpt.gateway.views import stop_gateway
from zgpt.realtime import close_codes, drain, handover_leave
from zgpt.realtime.handover_record import Batch, Go, Taken
from zgpt.realtime.handover_wire import Wire, connect
from zgpt.runs.setup import take_released_runs


@pytest.fixture
def departure(chat: Chat) -> Departure:
    return Departure(chat.app, chat.app.config["ZGPT"])


@pytest.fixture
def other(chat: Chat) -> Iterator[Departure]:
    """Another process of the instance, which stays."""
    made = Departure(chat.app, chat.app.config["ZGPT"])
    made.start()
    own = made._receiver._path
    assert own is not None
    made._receiver._path = own.rename(own.with_name(own.name.replace(str(os.getpid()), "1")))
    yield made
    made.close()


def test_connections_are_passed_to_a_process_that_stays(page: Page, departure: Departure, other: Departure) -> None:
    departure.leave()
    departure.quiet()
    departure.pass_on()
    assert page.conn.fd < 0
    assert page.ask("ping")["type"] == "ok"
    assert len(page.engine.connections) == 1
    page.engine.connections.pop().close(1000)


def test_without_another_process_they_stay_until_they_are_told(page: Page, departure: Departure) -> None:
    departure.quiet()
    departure.pass_on()
    departure.close()
    assert page.ask("ping")["type"] == "ok"


def test_with_redis_others_take_the_runs(chat: Chat, departure: Departure) -> None:
    takeover = chat.app.extensions["takeover"] = Mock()
    departure.leave()
    takeover.stop.assert_called_once_with()
    take_released_runs(chat.app)
    takeover.wake.assert_called_once_with()


def test_a_run_that_cannot_be_had_here_now_keeps_nobody(chat: Chat, page: Page, handover: Handover) -> None:
    _, sent = held_answer(chat, page)
    arrival = freeze(handover, page)
    chat.hub.run_dropped(sent.run_id, 1)
    handover.arrive([arrival])
    assert page.ask("ping")["type"] == "ok"


@pytest.fixture
def drain_now(chat: Chat, other: Departure, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The other process ends too: all that it does at its exit, in the order of the app."""

    def end() -> None:
        other.leave()
        monkeypatch.setattr(drain, "_draining", True)
        other.quiet()
        other.pass_on()
        stop_gateway(chat.app)
        other.close()

    return end


@contextmanager
def promised(page: Page, handover: Handover, other: Departure) -> Iterator[Wire]:
    """The other process has said that it takes the page's connection, and waits for the last word."""
    own = other._receiver._path
    assert own is not None
    leaver = handover_leave.Leaver(page.conn)
    with connect(own, 2.0) as wire:
        record = handover_leave._record_of(leaver, handover.freeze)
        assert wire.ask(Batch([record]), [page.conn.fd]) == Taken([True])
        yield wire


def test_who_comes_to_a_process_that_drains_by_then_is_told_to_come_back(
    page: Page, handover: Handover, other: Departure, drain_now: Callable[[], None]
) -> None:
    with promised(page, handover, other) as wire:
        drain_now()
        wire.say(Go())
        page.conn.let_go()
        opcode, said = page.line.receive()
    assert (opcode, int.from_bytes(said[:2], "big")) == (ws_frames.CLOSE, close_codes.RESTART)
    assert json.loads(said[2:]) == {"retry_after_ms": RETRY_AFTER_MS}
    page.line.send(ws_frames.CLOSE, said[:2])
    assert page.line.at_end()
    assert not page.engine.connections


def test_a_process_that_drains_reads_nothing_of_who_does_not_come(
    page: Page, handover: Handover, other: Departure, drain_now: Callable[[], None]
) -> None:
    with promised(page, handover, other):
        page.send("ping")
        drain_now()
        gevent.sleep(0.02)
    with gevent.Timeout(5):
        while len(page.engine.connections) > 1:
            gevent.sleep(0.005)
    assert os.read(page.conn.fd, 1), "the message is still there, for a third process to read"
