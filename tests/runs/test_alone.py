"""A process without Redis that starts while the one before it still lives: no run has two owners."""

from __future__ import annotations

import os
from collections.abc import Iterator
from unittest.mock import Mock

import gevent
import pytest
from flask import Flask
from gevent.event import Event

from tests.realtime.lines import still_engine
from tests.runs.conftest import Chat
from zgpt.core.config import Settings
from zgpt.core.errors import Unavailable
from zgpt.llm.scripted import Hold, Say
from zgpt.realtime.handover import Receiver
from zgpt.realtime.handover_folder import folder_of
from zgpt.runs import alone
from zgpt.runs.actions import Sent
from zgpt.runs.setup import stop_taking_runs, take_released_runs


class Before:
    """The process before, as the next one finds it: it listens, and owns a run that stands still."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        settings: Settings = chat.app.config["ZGPT"]
        self._receiver = Receiver(chat.runner.owner, still_engine(), lambda _: None, lambda: None)
        self._receiver.start(folder_of(settings.instance_dir))
        own = self._receiver._path
        assert own is not None
        self._receiver._path = own.rename(own.with_name(own.name.replace(str(os.getpid()), "1")))

    def ask(self) -> Sent:
        self.chat.provider.script(Say("Once "), Hold(Event()))
        sent = self.chat.send()
        self.chat.wait(lambda: [run.size for run in self.chat.runner.active()] == [5])
        return sent

    def leave(self) -> None:
        """Save and let go, as at an exit."""
        self.chat.runner.drain()
        self.chat.settle()

    def end(self) -> None:
        self._receiver.stop()


@pytest.fixture
def before(chat: Chat) -> Iterator[Before]:
    made = Before(chat)
    yield made
    made.end()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "LOOK_S", 0.01)


def as_the_next_process(chat: Chat) -> None:
    """From now on this app is another process, whose model ends the answer."""
    chat.app.extensions["runs"]._broker.process_id = "the next process"
    chat.provider.default = (Say("upon a time"),)


def test_a_run_of_a_process_that_lives_is_left_to_it_and_taken_up_when_it_was_killed(
    chat: Chat, before: Before
) -> None:
    sent = before.ask()
    active = chat.runner.active()[0]
    as_the_next_process(chat)
    alone.start(chat.app)
    assert chat.run(sent.run_id).epoch == 1
    before.end()
    chat.wait(lambda: chat.run(sent.run_id).epoch == 2)
    chat.wait(lambda: active.lost)
    chat.settle()
    assert chat.run(sent.run_id).status == "completed"


def test_where_nobody_else_lives_nobody_is_watched(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Mock()
    monkeypatch.setattr(alone, "_outlive", watch)
    alone.start(chat.app)
    gevent.sleep(0)
    watch.assert_not_called()


def test_a_run_that_was_let_go_is_taken_up_when_that_is_said(chat: Chat, before: Before) -> None:
    sent = before.ask()
    before.leave()
    as_the_next_process(chat)
    chat.runner._draining = False
    stop_taking_runs(chat.app)
    take_released_runs(chat.app)
    chat.settle()
    run = chat.run(sent.run_id)
    assert (run.status, run.epoch, run.deaths) == ("completed", 2, 0)


def test_a_database_that_is_away_puts_it_off(chat: Chat, before: Before, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = before.ask()
    as_the_next_process(chat)
    take_up, tries = alone._take_up, []

    def away(app: object) -> set[str]:
        tries.append(app)
        if len(tries) in (2, 3):
            raise Unavailable
        return take_up(chat.app)

    monkeypatch.setattr(alone, "_take_up", away)
    alone.start(chat.app)
    take_released_runs(chat.app)
    before.end()
    chat.wait(lambda: chat.run(sent.run_id).epoch == 2)
    assert len(tries) >= 4


def test_a_fault_of_ours_does_not_end_the_watch_over_what_the_other_leaves(
    chat: Chat, before: Before, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = before.ask()
    as_the_next_process(chat)
    take_up, faults = alone._take_up, [RuntimeError("broken")]
    alone.start(chat.app)

    def once_broken(app: Flask) -> set[str]:
        if faults:
            raise faults.pop()
        return take_up(app)

    monkeypatch.setattr(alone, "_take_up", once_broken)
    chat.wait(lambda: not faults)
    before.end()
    chat.wait(lambda: chat.run(sent.run_id).epoch == 2)
    chat.settle()
