"""Every second the database says whose the runs are: what is lost is let go, the rest is confirmed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event

from tests.runs.conftest import Chat, MakeChat
from zgpt.core import clock, metrics
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


class Ends:
    """What this process says of the ends of runs: in its log, and in its metrics."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        self._caplog = caplog
        self._before = self._counted()

    @property
    def said(self) -> list[tuple[Any, ...]]:
        named = (record.msg for record in self._caplog.records if isinstance(record.msg, dict))
        found = [event for event in named if event["event"].startswith("run_")]
        return [(event["event"], event["run_id"], event.get("epoch")) for event in found]

    @property
    def errors(self) -> list[logging.LogRecord]:
        return [record for record in self._caplog.records if record.levelno >= logging.ERROR]

    @property
    def counted(self) -> tuple[float, ...]:
        """Runs given up since, runs ended since, faults of models since."""
        return tuple(now - before for now, before in zip(self._counted(), self._before, strict=True))

    def _counted(self) -> tuple[float, ...]:
        return tuple(
            sum(one.value for family in metric.collect() for one in family.samples if one.name.endswith("_total"))
            for metric in (metrics.RUNS_ABANDONED, metrics.RUNS, metrics.PROVIDER_ERRORS)
        )


def take(chat: Chat, sent: Sent) -> None:
    """Another process has taken the run, and nobody has told this one: it stood still."""
    assert chat.do(ending.claim, sent.run_id, 1, "another process") is not None


def test_an_answer_that_ends_after_another_process_took_it_is_no_end_here(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    gate, ends = Event(), Ends(caplog)
    sent = begun(chat, gate)
    take(chat, sent)
    gate.set()
    chat.settle()
    assert (ends.said, ends.errors) == ([("run_lost", sent.run_id, 1)], [])
    assert ends.counted == (1, 0, 0)
    assert (chat.run(sent.run_id).status, chat.hub.live_run(sent.run_id)) == ("streaming", None)


def test_a_turn_that_comes_after_another_process_took_the_run_is_no_failure_here(
    make_chat: MakeChat, caplog: pytest.LogCaptureFixture
) -> None:
    chat, gate = make_chat(LLM_CONCURRENCY="1"), Event()
    first = begun(chat, gate)
    waiting = chat.send()
    chat.wait(lambda: chat.runner._slots.waiting)
    ends = Ends(caplog)
    take(chat, waiting)
    gate.set()
    chat.settle()
    assert ends.said == [("run_ended", first.run_id, None), ("run_lost", waiting.run_id, 1)]
    assert (ends.errors, ends.counted) == ([], (1, 1, 0))
    assert len(chat.provider.streams) == 1


def test_a_run_that_is_found_lost_while_its_end_is_written_is_told_of_once(
    chat: Chat, watch: Watch, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, ends, real = Event(), Ends(caplog), ending.end_run
    sent = begun(chat, gate)

    def late(*args: Any) -> ending.Ended:
        take(chat, sent)
        watch.ownership.check()
        return real(*args)

    monkeypatch.setattr(ending, "end_run", late)
    gate.set()
    chat.settle()
    assert ends.said == [("run_lost", sent.run_id, 1)]
    assert ends.counted == (1, 0, 0)
