"""What the database is told of a run, and that only the epoch that owns it may tell it."""

from typing import Any

import pytest
from gevent.event import Event
from sqlalchemy import delete, update

from tests.runs.conftest import Chat
from tests.runs.doubles import Log
from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock
from zgpt.core.db import db
from zgpt.llm.scripted import Hold, Say
from zgpt.realtime.broker import MemoryBroker
from zgpt.realtime.live import RunHead
from zgpt.runs import ending
from zgpt.runs.active import ActiveRun, Outcome
from zgpt.runs.models import Run


class Open:
    """A run that streams, and the one who writes it."""

    def __init__(self, chat: Chat) -> None:
        chat.provider.script(Say("shown"), Hold(Event()))
        self.chat, self.sent = chat, chat.send()
        chat.wait(lambda: [run.size for run in chat.runner.active()] == [5])
        [self.active] = chat.runner.active()

    def run(self) -> Run:
        return self.chat.run(self.sent.run_id)

    def end(self, active: ActiveRun, outcome: Outcome) -> tuple[ending.Ended, list[Any]]:
        told: list[Any] = []
        return self.chat.do(ending.end_run, active, outcome, told.append), told

    def zombie(self) -> ActiveRun:
        """A process that still believes it owns the run, after another one has taken it."""
        head = self.active.head
        assert self.chat.do(ending.claim, head.run_id, head.epoch, "me")
        return self.active


@pytest.fixture
def opened(any_chat: Chat) -> Open:
    return Open(any_chat)


def _copy(active: ActiveRun, epoch: int, text: bytes) -> ActiveRun:
    broker, head = MemoryBroker(), active.head
    broker.attach(Log())
    new_head = RunHead(head.user_id, head.session_id, head.run_id, head.message_id, epoch)
    return ActiveRun(new_head, {"text": text}, broker, Event())


def test_a_checkpoint_keeps_the_text_and_remembers_how_much(opened: Open) -> None:
    opened.chat.do(ending.save_checkpoints, [opened.active])
    assert (opened.run().text_kept, opened.active.saved_bytes) == ("shown", 5)


def test_checkpoints_of_nothing_touch_no_database(opened: Open) -> None:
    opened.chat.do(ending.save_checkpoints, [])


def test_a_checkpoint_bumps_no_revision(opened: Open) -> None:
    before = opened.chat.row(ChatSession, opened.sent.session_id).revision
    opened.chat.do(ending.save_checkpoints, [opened.active])
    assert opened.chat.row(ChatSession, opened.sent.session_id).revision == before


def test_a_checkpoint_of_an_older_epoch_is_not_kept(opened: Open) -> None:
    opened.chat.do(ending.save_checkpoints, [opened.zombie()])
    assert opened.run().text_kept == ""


def test_a_checkpoint_that_comes_after_the_end_is_not_kept(opened: Open) -> None:
    assert opened.end(opened.active, Outcome("completed"))[0] == "told"
    opened.chat.do(ending.save_checkpoints, [opened.active])
    assert opened.run().text_kept == ""


def test_an_older_epoch_can_neither_begin_nor_end_the_run(opened: Open) -> None:
    zombie = opened.zombie()
    assert opened.chat.do(ending.begin_run, zombie.head) is None
    assert opened.end(zombie, Outcome("completed")) == ("lost", [])
    assert (opened.run().status, opened.run().epoch) == ("streaming", 2)


def test_a_run_ends_once_and_who_asks_again_is_told_how(opened: Open) -> None:
    first = opened.end(opened.active, Outcome("completed"))
    assert opened.end(opened.active, Outcome("failed")) == first
    assert (opened.run().status, opened.chat.row(ChatSession, opened.sent.session_id).revision) == ("completed", 3)


def test_a_run_is_claimed_by_one_of_two(opened: Open) -> None:
    head = opened.active.head
    assert opened.chat.do(ending.claim, head.run_id, 1, "me") == RunHead(
        head.user_id, head.session_id, head.run_id, head.message_id, 2
    )
    assert opened.chat.do(ending.claim, head.run_id, 1, "me") is None


def test_of_several_runs_those_are_claimed_that_nobody_was_faster_with(opened: Open) -> None:
    opened.chat.provider.script(Say("more"), Hold(Event()))
    other = opened.chat.send()
    assert opened.chat.do(ending.claim, other.run_id, 1, "somebody") is not None
    claimed = opened.chat.do(ending.claim_all, {opened.sent.run_id: 1, other.run_id: 1}, "me")
    assert {run_id: head.epoch for run_id, head in claimed.items()} == {opened.sent.run_id: 2}
    assert opened.run().owner == "me"


def test_a_run_that_has_ended_or_never_was_cannot_be_claimed(opened: Open) -> None:
    opened.end(opened.active, Outcome("stopped"))
    assert opened.chat.do(ending.claim, opened.sent.run_id, 1, "me") is None
    assert opened.chat.do(ending.claim, "0190b3a4-0000-7000-8000-000000000000", 1, "me") is None


def test_the_claimed_epoch_ends_the_run_with_its_own_text(opened: Open) -> None:
    owner = _copy(opened.zombie(), 2, b"shown and more")
    ended, [completed] = opened.end(owner, Outcome("completed"))
    assert ended == "told"
    assert opened.chat.row(Message, opened.run().message_id).text == "shown and more"
    assert completed.ends == {"text": 14}


def test_the_end_and_the_message_carry_one_revision_and_the_session_the_same(opened: Open) -> None:
    _, [completed] = opened.end(opened.active, Outcome("completed"))
    session = opened.chat.row(ChatSession, opened.sent.session_id)
    assert completed.revision == completed.message["revision"] == session.revision == 3


def test_a_run_of_a_deleted_session_ends_without_a_word(opened: Open) -> None:
    with opened.chat.app.app_context():
        gone = update(ChatSession).where(ChatSession.id == opened.sent.session_id).values(deleted_at=clock.now())
        db.session.execute(gone)
        db.session.commit()
    assert opened.end(opened.active, Outcome("completed")) == ("untold", [])
    assert opened.run().status == "completed"
    assert opened.chat.row(Message, opened.run().message_id).text == ""


def test_the_end_of_a_run_that_was_deleted_for_good_is_told_to_nobody(opened: Open) -> None:
    with opened.chat.app.app_context():
        db.session.execute(delete(ChatSession).where(ChatSession.id == opened.sent.session_id))
        db.session.commit()
    assert opened.end(opened.active, Outcome("completed")) == ("untold", [])


def test_answers_without_a_word_are_no_part_of_the_next_prompt(chat: Chat) -> None:
    chat.provider.script(Hold(Event()))
    sent = chat.send("One")
    chat.wait(lambda: chat.provider.streams)
    chat.runner.stop(sent.run_id)
    chat.settle()
    chat.ask("Two", sent.session_id)
    assert [(turn.role, turn.text) for turn in chat.provider.prompts[-1].messages[1:]] == [
        ("user", "One"),
        ("user", "Two"),
    ]


@pytest.fixture(autouse=True)
def _nothing_goes_on(any_chat: Chat) -> Any:
    yield
    any_chat.runner.drain()
    any_chat.settle()
