"""The start after a death: every open run goes on, begins anew once, or ends in words; nothing shown is lost."""

from datetime import timedelta

import pytest
from gevent.event import Event

from tests.runs.conftest import Chat
from tests.support.delivery import Link
from zgpt.chat.models import Message
from zgpt.core import clock
from zgpt.core.db import db
from zgpt.llm.base import ProviderError
from zgpt.llm.scripted import Break, Hold, Say, ScriptedProvider, think
from zgpt.realtime.broker import MemoryBroker
from zgpt.realtime.flush import FlushClock
from zgpt.realtime.hub import Hub
from zgpt.realtime.server import Realtime
from zgpt.runs import ending, recovery
from zgpt.runs.actions import Sent
from zgpt.runs.models import Run
from zgpt.runs.setup import init_runs, start_runs, stop_runs

AWAY = ProviderError("provider_rejected", "The model does not take this.", False)


class Life:
    """A chat whose process can die and start again."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    def die_at(self, *said: Say) -> Sent:
        """Ask, let the model say this, and die when it is kept."""
        self.chat.provider.script(*said, Hold(Event()), Say("never shown"))
        sent = self.chat.send()
        size = sum(len(text) for say in said for text in say.texts)
        self.chat.wait(lambda: [run.size for run in self.chat.runner.active()] == [size])
        self.chat.runner.drain()
        self.chat.settle()
        return sent

    def alter(self, run_id: str, **values: object) -> None:
        with self.chat.app.app_context():
            run = db.session.get_one(Run, run_id)
            for name, value in values.items():
                setattr(run, name, value)
            db.session.commit()

    def start(self, *said: Say | Break | Hold, can_continue: bool = False) -> Chat:
        """A new process on the same database; its model says this."""
        app, hub, broker = self.chat.app, Hub(FlushClock(0.001)), MemoryBroker()
        broker.attach(hub)
        realtime = app.extensions["realtime"] = Realtime(hub, broker)
        self.chat.provider = ScriptedProvider(can_continue=can_continue)
        self.chat.provider.script(*said)
        init_runs(app, app.config["ZGPT"], realtime, self.chat.provider)
        start_runs(app)
        app.extensions["checkpointer"].stop()
        return self.chat

    def ended(self, sent: Sent) -> tuple[str, str, int]:
        """Status, final text and epoch."""
        self.chat.settle()
        run = self.chat.run(sent.run_id)
        return run.status, self.chat.row(Message, run.message_id).text, run.epoch


@pytest.fixture
def life(chat: Chat) -> Life:
    return Life(chat)


@pytest.fixture
def any_life(any_chat: Chat) -> Life:
    """Once on each database."""
    return Life(any_chat)


def test_an_answer_goes_on_where_it_broke_off_if_the_model_can(any_life: Life) -> None:
    sent = any_life.die_at(think("Hm"), Say("Once upon "))
    chat = any_life.start(Say("a time."), can_continue=True)
    assert any_life.ended(sent) == ("completed", "Once upon a time.", 2)
    assert chat.provider.prompts[0].continue_text == "Once upon "
    assert chat.row(Message, chat.run(sent.run_id).message_id).reasoning == "Hm"


def test_a_viewer_of_a_continued_answer_is_sent_the_kept_prefix_in_the_new_epoch(life: Life) -> None:
    sent = life.die_at(Say("Once upon "))
    gate = Event()
    chat = life.start(Hold(gate), Say("a time."), can_continue=True)
    link: Link = chat.view(sent.session_id)
    gate.set()
    chat.settle()
    deltas = [(e["epoch"], e["at"], e["text"]) for e in link.seen if e["type"] == "run.delta"]
    assert deltas == [(2, 0, "Once upon "), (2, 10, "a time.")]


def test_an_answer_begins_anew_once_where_the_model_cannot_go_on(life: Life) -> None:
    sent = life.die_at(Say("Once upon "))
    chat = life.start(Say("There was a time."))
    assert life.ended(sent) == ("completed", "There was a time.", 2)
    assert chat.provider.prompts[0].continue_text == ""


def test_without_a_word_of_text_an_answer_begins_anew_even_if_the_model_could_go_on(life: Life) -> None:
    sent = life.die_at(think("Hm"))
    chat = life.start(Say("Yes."), can_continue=True)
    assert life.ended(sent) == ("completed", "Yes.", 2)
    assert chat.row(Message, chat.run(sent.run_id).message_id).reasoning == ""


def test_what_was_shown_comes_back_when_the_new_attempt_comes_to_less(any_life: Life) -> None:
    sent = any_life.die_at(Say("Once upon a time"))
    gate = Event()
    chat = any_life.start(Say("Onc"), Hold(gate), Break(AWAY))
    link = chat.view(sent.session_id)
    gate.set()
    assert any_life.ended(sent) == ("failed", "Once upon a time", 3)
    assert [(e["type"], e.get("epoch")) for e in link.seen if e["type"] in {"run.reset", "run.delta"}] == [
        ("run.delta", 2),
        ("run.reset", 3),
        ("run.delta", 3),
    ]
    assert link.seen[-2]["ends"] == {"text": 16}
    assert chat.runner.active() == []


def test_a_new_attempt_that_fails_with_more_than_was_shown_keeps_its_own(life: Life) -> None:
    sent = life.die_at(Say("Once"))
    life.start(Say("There was a time"), Break(AWAY))
    assert life.ended(sent) == ("failed", "There was a time", 2)


def test_a_run_that_was_asked_to_stop_is_stopped_with_what_was_shown(any_life: Life) -> None:
    sent = any_life.die_at(Say("Once upon "))
    any_life.alter(sent.run_id, stop_requested_at=clock.now())
    chat = any_life.start(Say("a time."), can_continue=True)
    assert any_life.ended(sent) == ("stopped", "Once upon ", 2)
    assert chat.provider.prompts == []


def test_a_run_that_is_too_old_fails_in_words_with_what_was_shown(life: Life) -> None:
    sent = life.die_at(Say("Once upon "))
    life.alter(sent.run_id, created_at=clock.now() - timedelta(seconds=recovery.OLDEST_S + 1))
    chat = life.start(can_continue=True)
    assert life.ended(sent) == ("failed", "Once upon ", 2)
    run = chat.run(sent.run_id)
    assert (run.error_code, run.error_retryable, chat.provider.prompts) == ("interrupted", True, [])


def test_a_run_that_has_died_too_often_is_not_tried_again(life: Life) -> None:
    sent = life.die_at(Say("Once upon "))
    life.alter(sent.run_id, deaths=recovery.MOST_DEATHS - 1, owner="died")
    chat = life.start(can_continue=True)
    assert life.ended(sent) == ("failed", "Once upon ", 2)
    assert chat.provider.prompts == []
    assert chat.run(sent.run_id).deaths == recovery.MOST_DEATHS


def test_the_last_try_is_still_made(life: Life) -> None:
    sent = life.die_at(Say("Once upon "))
    life.alter(sent.run_id, deaths=recovery.MOST_DEATHS - 2, owner="died")
    chat = life.start(Say("a time."), can_continue=True)
    assert life.ended(sent) == ("completed", "Once upon a time.", 2)
    assert chat.run(sent.run_id).deaths == recovery.MOST_DEATHS - 1


def test_a_run_that_was_handed_over_politely_many_times_goes_on(life: Life) -> None:
    sent = life.die_at(Say("Once upon "))
    life.alter(sent.run_id, epoch=50, deaths=recovery.MOST_DEATHS - 1)
    chat = life.start(Say("a time."), can_continue=True)
    assert life.ended(sent) == ("completed", "Once upon a time.", 51)
    assert chat.run(sent.run_id).deaths == recovery.MOST_DEATHS - 1


def test_a_run_that_waited_in_the_queue_is_written_after_the_start(life: Life) -> None:
    sent = life.die_at()
    life.alter(sent.run_id, status="queued")
    life.start(Say("Here."))
    assert life.ended(sent) == ("completed", "Here.", 2)


def test_runs_that_have_ended_are_left_alone(life: Life) -> None:
    sent = life.chat.ask()
    chat = life.start()
    assert chat.do(recovery.recover, chat.runner, chat.provider) == 0
    assert life.ended(sent) == ("completed", "Hello.", 1)


def test_a_run_that_another_process_took_is_left_to_it(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    life.die_at(Say("Once"))
    monkeypatch.setattr(ending, "claim_all", lambda *_: {})
    assert life.start().runner.active() == []


def test_what_was_shown_is_not_restored_over_another_owner(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = life.die_at(Say("Once upon a time"))
    gate = Event()
    chat = life.start(Say("Onc"), Hold(gate), Break(AWAY))
    chat.wait(lambda: [run.size for run in chat.runner.active()] == [3])
    assert chat.do(ending.claim, sent.run_id, 2, "another process")
    gate.set()
    chat.settle()
    run = chat.run(sent.run_id)
    assert (run.status, run.epoch) == ("streaming", 3)
    assert chat.hub.live_run(sent.run_id) is None


def test_a_run_that_this_process_takes_up_again_belongs_to_the_newer_epoch(life: Life) -> None:
    sent = life.die_at(Say("Once"))
    first, second = Event(), Event()
    chat = life.start(Say("One"), Hold(first))
    chat.provider.script(Hold(second), Say("Two"))
    chat.wait(lambda: [run.size for run in chat.runner.active()] == [3])
    head = chat.do(ending.claim, sent.run_id, 2, chat.runner.owner)
    assert head
    newer = chat.runner.enqueue(head)
    first.set()
    chat.wait(lambda: chat.provider.streams[0].closed and len(chat.provider.streams) == 2)
    assert chat.runner.active() == [newer]
    second.set()
    assert life.ended(sent) == ("completed", "Two", 3)


def test_stopping_the_background_keeps_what_was_shown(life: Life) -> None:
    sent = life.die_at(Say("Once upon "))
    gate = Event()
    chat = life.start(Say("a time"), Hold(gate), can_continue=True)
    chat.wait(lambda: [run.size for run in chat.runner.active()] == [16])
    stop_runs(chat.app)
    chat.settle()
    assert (chat.run(sent.run_id).text_kept, chat.run(sent.run_id).status) == ("Once upon a time", "streaming")
