"""A commit whose answer was lost, or an end that failed for a fault of ours: the run is taken up all the same."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent.event import Event

from tests.runs.conftest import Chat, new_name
from tests.runs.lost import deaf
from zgpt.chat.models import Message
from zgpt.core.errors import Unavailable
from zgpt.llm.scripted import Hold, Say
from zgpt.runs import ending, strays
from zgpt.runs.actions import Sent
from zgpt.runs.strays import Strays


@pytest.fixture
def looking(any_chat: Chat) -> Strays:
    return Strays(any_chat.runner, any_chat.provider)


def unheard(chat: Chat) -> Sent:
    """A message that is stored, though its sender was told that it was not, and sent it again."""
    name = new_name()
    with deaf(chat), pytest.raises(Unavailable):
        chat.send("Hi", client_id=name)
    sent = chat.send("Hi", client_id=name)
    assert sent.again
    return sent


def ended(chat: Chat, sent: Sent) -> tuple[str, str, int]:
    """Status, text and epoch."""
    chat.settle()
    run = chat.run(sent.run_id)
    return run.status, chat.row(Message, run.message_id).text, run.epoch


def test_a_message_whose_commit_was_not_heard_is_answered_all_the_same(any_chat: Chat, looking: Strays) -> None:
    sent = unheard(any_chat)
    assert (looking.look(), ended(any_chat, sent)) == (0, ("queued", "", 1))
    assert (looking.look(), ended(any_chat, sent)) == (1, ("completed", "Hello.", 2))
    assert looking.look() == 0


def test_a_stop_of_a_run_that_nobody_writes_ends_it(any_chat: Chat, looking: Strays) -> None:
    sent = unheard(any_chat)
    any_chat.person.client.post(f"/api/v1/runs/{sent.run_id}/stop", headers=any_chat.person.headers)
    assert [looking.look(), looking.look()] == [0, 1]
    assert ended(any_chat, sent) == ("stopped", "", 2)


def test_a_run_that_is_written_or_about_to_be_is_no_stray(chat: Chat) -> None:
    looking, gate = Strays(chat.runner, chat.provider), Event()
    chat.provider.script(Hold(gate), Say("Well"))
    written = chat.send()
    chat.wait(lambda: chat.provider.streams)
    coming = unheard(chat)
    chat.runner.coming.add(coming.run_id)
    assert [looking.look() for _ in range(3)] == [0, 0, 0]
    gate.set()
    assert ended(chat, written) == ("completed", "Well", 1)


def test_a_run_that_could_not_be_ended_is_written_again_and_the_attempt_counts(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = Strays(chat.runner, chat.provider)

    def broken(*_: Any) -> bool:
        raise RuntimeError("broken")

    with monkeypatch.context() as fault:
        fault.setattr(ending, "end_run", broken)
        sent = chat.ask()
    assert [looking.look(), looking.look()] == [0, 1]
    assert ended(chat, sent) == ("completed", "Hello.", 2)
    assert chat.run(sent.run_id).deaths == 1


@pytest.mark.parametrize("fault", [Unavailable(), RuntimeError("broken")], ids=["away", "broken"])
def test_a_look_that_fails_is_followed_by_the_next(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(strays, "LOOK_S", 0.005)
    sent, looking = unheard(chat), Strays(chat.runner, chat.provider)
    owned, faults = looking._owned, [fault]

    def once_broken() -> list[tuple[str, int]]:
        if faults:
            raise faults.pop()
        return owned()

    monkeypatch.setattr(looking, "_owned", once_broken)
    looks = gevent.spawn(looking.run)
    chat.wait(lambda: chat.run(sent.run_id).status == "completed")
    looking.stop()
    looks.join()
    assert faults == []


def test_an_end_whose_commit_was_not_heard_is_told_by_the_next_try(any_chat: Chat) -> None:
    gate = Event()
    any_chat.provider.script(Say("Well, "), Hold(gate), Say("no."))
    sent = any_chat.send()
    any_chat.wait(lambda: [run.size for run in any_chat.runner.active()] == [6])
    link = any_chat.view(sent.session_id)
    with deaf(any_chat):
        gate.set()
    assert ended(any_chat, sent) == ("completed", "Well, no.", 1)
    told = [event for event in link.seen if event["type"] in {"run.completed", "session.updated"}]
    assert [event["type"] for event in told] == ["run.completed", "session.updated"]
    assert (told[0]["revision"], told[0]["message"]["text"], told[1]["session"]["revision"]) == (3, "Well, no.", 3)
