"""After a time in which events may have been lost, every viewer gets to see it, and ends that were lost are told."""

from __future__ import annotations

import pytest

from tests.runs.conftest import Chat
from tests.support.delivery import Link, member
from zgpt.chat.models import ChatSession
from zgpt.realtime import close_codes
from zgpt.realtime.live import RunHead
from zgpt.runs.missed import Missed


class Silent:
    """What the ear knows."""

    def __init__(self) -> None:
        self.runs: list[str] = []

    def __call__(self, _for_s: float) -> list[str]:
        return self.runs


@pytest.fixture
def silent() -> Silent:
    return Silent()


@pytest.fixture
def missed(chat: Chat, silent: Silent) -> Missed:
    return Missed(chat.app, chat.hub, silent)


def test_a_viewer_is_told_the_newest_change_of_its_session_and_of_its_list(chat: Chat, missed: Missed) -> None:
    sent = chat.ask()
    link = chat.view(sent.session_id)
    missed.catch_up()
    session = chat.row(ChatSession, sent.session_id)
    created, updated = link.seen
    assert (created["type"], created["revision"]) == ("message.created", session.revision)
    assert (created["message"]["role"], created["message"]["run"]["status"]) == ("assistant", "completed")
    assert (updated["type"], updated["user_revision"]) == ("session.updated", session.user_revision)


def test_a_viewer_who_has_everything_asks_nothing_and_one_who_lacks_more_than_the_last_asks(
    chat: Chat, missed: Missed
) -> None:
    sent = chat.ask()
    link = chat.view(sent.session_id)
    missed.catch_up()
    held = chat.row(ChatSession, sent.session_id).revision
    assert [event["revision"] for event in link.seen if "revision" in event] == [held]


def test_a_deleted_session_is_told_to_the_list(chat: Chat, missed: Missed) -> None:
    sent = chat.ask()
    link = chat.device()
    chat.person.client.delete(f"/api/v1/sessions/{sent.session_id}", headers=chat.person.headers)
    link.seen.clear()
    missed.catch_up()
    assert link.types == ["session.deleted"]


def test_a_login_that_ended_unheard_is_closed(chat: Chat, missed: Missed) -> None:
    link = Link()
    member(chat.hub, link, chat.person.id, "0190b3a4-0000-7000-8000-000000000009")
    missed.catch_up()
    assert link.closed_with == close_codes.LOGIN_ENDED


def test_an_end_that_was_not_heard_is_taken_from_the_database(chat: Chat, missed: Missed, silent: Silent) -> None:
    sent = chat.ask()
    run = chat.run(sent.run_id)
    chat.hub._runs.clear()
    chat.hub._runs_of.clear()
    link = chat.view(sent.session_id)
    chat.hub.run_opened(RunHead(chat.person.id, sent.session_id, run.id, run.message_id, 1), {"text": b"Hel"})
    silent.runs = [run.id]
    missed.catch_up()
    assert link.types[-1] == "run.completed"
    assert link.seen[-1]["message"]["text"] == "Hello."


def test_a_run_whose_account_is_gone_is_forgotten(chat: Chat, missed: Missed, silent: Silent) -> None:
    gone = "0190b3a4-0000-7000-8000-00000000000a"
    chat.hub.run_opened(RunHead(chat.person.id, gone, gone, gone, 1), {})
    silent.runs = [gone, "0190b3a4-0000-7000-8000-00000000000b"]
    missed.catch_up()
    assert chat.hub.live_run(gone) is None
