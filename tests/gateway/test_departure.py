"""How the connections of a process that ends find another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from tests.gateway.conftest import Chat
from tests.gateway.pages import Page, freeze, held_answer
from zgpt.gateway.departure import Departure
from zgpt.gateway.handover import Handover
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
