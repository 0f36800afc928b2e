"""Every second the database says whose the runs are: what is lost is let go, the rest is confirmed."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event

from tests.runs.conftest import Chat
from zgpt.core import clock
from zgpt.core.db import db
from zgpt.core.errors import Unavailable
from zgpt.llm.scripted import Hold, Say
from zgpt.runs import ending, ownership
from zgpt.runs.actions import Sent
from zgpt.runs.models import Run
from zgpt.runs.ownership import Ownership


class Watch:
    """What the broker is told."""

    def __init__(self, chat: Chat) -> None:
        self.confirmed: list[float] = []
        self.abandoned: list[tuple[str, int]] = []
        self.away = False
        self.ownership = Ownership(chat.runner, self.confirmed.append, self._abandon, lambda: self.away)

    def _abandon(self, run_id: str, epoch: int) -> None:
        self.abandoned.append((run_id, epoch))


@pytest.fixture
def watch(chat: Chat) -> Watch:
    return Watch(chat)


def begun(chat: Chat, gate: Event) -> Sent:
    """A question whose answer waits for the gate."""
    chat.provider.script(Say("Once "), Hold(gate), Say("upon"))
    sent = chat.send()
    chat.wait(lambda: (live := chat.hub.live_run(sent.run_id)) and live.parts["text"].data)
    return sent


def test_a_run_that_came_back_in_another_epoch_is_let_go_in_the_old_one(chat: Chat, watch: Watch) -> None:
    sent = begun(chat, Event())
    assert chat.do(ending.claim, sent.run_id, 1, chat.runner.owner) is not None
    watch.ownership.check()
    assert watch.abandoned == [(sent.run_id, 1)]
    chat.settle()
    assert chat.provider.streams[0].cancelled
    run = chat.run(sent.run_id)
    assert (run.status, run.epoch) == ("streaming", 2)


def test_a_run_that_has_just_ended_is_not_taken_for_lost(chat: Chat, watch: Watch) -> None:
    gate, began_s = Event(), clock.monotonic()
    sent = begun(chat, gate)
    with chat.app.app_context():
        db.session.get_one(Run, sent.run_id).status = "completed"
        db.session.commit()
    watch.ownership.check()
    assert watch.abandoned == []
    assert [began_s < at_s <= clock.monotonic() for at_s in watch.confirmed] == [True]
    gate.set()
    chat.settle()


@pytest.mark.parametrize("fault", [Unavailable(), RuntimeError("broken")], ids=["away", "broken"])
def test_what_the_database_does_not_say_is_not_confirmed(
    chat: Chat, watch: Watch, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def fail(_write: Callable[[], object]) -> None:
        raise fault

    with monkeypatch.context() as trouble:
        trouble.setattr(chat.runner, "write", fail)
        watch.ownership.check()
    assert watch.confirmed == []
    watch.ownership.check()
    assert len(watch.confirmed) == 1


def test_while_redis_is_away_the_text_is_kept_before_it_is_confirmed(chat: Chat, watch: Watch) -> None:
    gate = Event()
    sent, watch.away = begun(chat, gate), True
    watch.ownership.check()
    assert (chat.run(sent.run_id).text_kept, len(watch.confirmed)) == ("Once ", 1)
    gate.set()
    chat.settle()


def test_while_redis_is_away_nothing_is_kept_in_a_run_that_was_taken(chat: Chat, watch: Watch) -> None:
    sent, watch.away = begun(chat, Event()), True
    assert chat.do(ending.claim, sent.run_id, 1, "another process") is not None
    watch.ownership.check()
    assert (chat.run(sent.run_id).text_kept, watch.abandoned) == ("", [(sent.run_id, 1)])
    chat.settle()


def test_while_redis_is_away_the_database_is_asked_more_often(
    chat: Chat, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "CHECK_S", 60)
    watch.away = True
    checks = gevent.spawn(watch.ownership.run)
    chat.wait(lambda: len(watch.confirmed) > 1)
    watch.ownership.stop()
    checks.join()


def test_a_fault_in_what_follows_a_check_does_not_end_the_checks(chat: Chat, watch: Watch) -> None:
    def broken(_at_s: float) -> None:
        raise RuntimeError("broken")

    Ownership(chat.runner, broken, watch._abandon, lambda: False).check()
