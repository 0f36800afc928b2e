"""After a time in which events may have been lost, every viewer gets to see it, and ends that were lost are told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import gevent
import pytest
from sqlalchemy import select

from tests.runs.conftest import Chat
from tests.support.delivery import Link, member
from tests.support.people import sign_up
from zgpt.auth.models import Login
from zgpt.chat.actions import delete_session, rename_session
from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock
from zgpt.core.db import db
from zgpt.core.errors import Unavailable
from zgpt.realtime import close_codes
from zgpt.realtime.live import RunHead
from zgpt.runs import missed as missing
from zgpt.runs.missed import Missed
from zgpt.runs.news import News, news_for

ENDED_LOGIN = "0190b3a4-0000-7000-8000-000000000009"


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
    member(chat.hub, link, chat.person.id, ENDED_LOGIN)
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


class Questions:
    """What the database is asked; each fault spoils one answer, or every one about that user."""

    def __init__(self, *faults: Exception) -> None:
        self._faults = list(faults)
        self.broken_for: str | None = None
        self.asked = 0

    def __call__(self, logins: Any, users: Collection[str], sessions: Any, runs: Any) -> News:
        self.asked += 1
        if self._faults:
            raise self._faults.pop()
        if self.broken_for in users:
            raise RuntimeError("broken")
        return news_for(logins, users, sessions, runs)


def signed_out(chat: Chat, user_id: str) -> Link:
    """A connection of a login that has ended."""
    link = Link()
    member(chat.hub, link, user_id, ENDED_LOGIN)
    return link


def test_a_login_that_is_well_stays_connected(chat: Chat, missed: Missed) -> None:
    with chat.app.app_context():
        login_id = db.session.scalars(select(Login.id).where(Login.user_id == chat.person.id)).one()
    link = Link()
    member(chat.hub, link, chat.person.id, login_id)
    missed.catch_up()
    assert link.closed_with is None


def test_a_run_that_has_gone_silent_is_looked_up_without_being_asked(
    chat: Chat, missed: Missed, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missing, "LOOK_S", 0.005)
    gone = "0190b3a4-0000-7000-8000-00000000000a"
    chat.hub.run_opened(RunHead(chat.person.id, gone, gone, gone, 1), {})
    looks = gevent.spawn(missed.run)
    gevent.sleep(0.02)
    assert chat.hub.live_run(gone) is not None
    silent.runs = [gone]
    chat.wait(lambda: chat.hub.live_run(gone) is None)
    missed.stop()
    looks.join()


def test_a_deleted_session_that_is_looked_at_is_told_once_and_to_the_list(chat: Chat, missed: Missed) -> None:
    sent = chat.ask()
    link = chat.view(sent.session_id)
    chat.do(delete_session, chat.person.id, sent.session_id)
    link.seen.clear()
    missed.catch_up()
    assert link.types == ["session.deleted"]


def test_a_newest_change_that_is_no_message_is_told_to_the_list(chat: Chat, missed: Missed) -> None:
    sent = chat.ask()
    link = chat.view(sent.session_id)
    chat.do(rename_session, chat.person.id, sent.session_id, "A new name")
    link.seen.clear()
    missed.catch_up()
    assert [(event["type"], event["session"]["title"]) for event in link.seen] == [("session.updated", "A new name")]


def test_a_newest_change_that_is_a_tombstone_is_told_as_one(chat: Chat, missed: Missed) -> None:
    sent = chat.ask()
    link = chat.view(sent.session_id)
    answer_id = chat.run(sent.run_id).message_id
    with chat.app.app_context():
        db.session.get_one(Message, answer_id).deleted_at = clock.now()
        db.session.commit()
    missed.catch_up()
    held = chat.row(ChatSession, sent.session_id).revision
    told = {"type": "message.deleted", "session_id": sent.session_id, "message_id": answer_id, "revision": held}
    assert link.seen[0] == told


def test_what_is_asked_meanwhile_is_done_again_afterwards(chat: Chat) -> None:
    rounds: list[str] = []

    def silent_runs(_for_s: float) -> list[str]:
        rounds.append("begins")
        if len(rounds) == 1:
            catching.catch_up()
        rounds.append("ends")
        return []

    catching = Missed(chat.app, chat.hub, silent_runs)
    catching.catch_up()
    assert rounds == ["begins", "ends"] * 2


def test_a_database_that_is_away_is_waited_for(chat: Chat, missed: Missed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing, "RETRY_S", 0)
    monkeypatch.setattr(missing, "news_for", Questions(*(Unavailable() for _ in range(100))))
    link = signed_out(chat, chat.person.id)
    missed.catch_up()
    assert link.closed_with == close_codes.LOGIN_ENDED


def test_a_process_that_ends_waits_for_no_database(chat: Chat, missed: Missed, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = Questions(*(Unavailable() for _ in range(100)))
    monkeypatch.setattr(missing, "news_for", questions)
    link = signed_out(chat, chat.person.id)
    waiting = gevent.spawn(missed.catch_up)
    chat.wait(lambda: questions.asked)
    missed.stop()
    waiting.join(timeout=5)
    assert (waiting.ready(), questions.asked, link.closed_with) == (True, 1, None)


def test_a_fault_with_some_people_does_not_keep_the_next_from_being_told(
    chat: Chat, missed: Missed, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = Questions()
    questions.broken_for = chat.person.id
    monkeypatch.setattr(missing, "AT_ONCE", 1)
    monkeypatch.setattr(missing, "news_for", questions)
    links = [signed_out(chat, person.id) for person in (chat.person, sign_up(chat.app))]
    missed.catch_up()
    assert [link.closed_with for link in links] == [None, close_codes.LOGIN_ENDED]
    assert questions.asked == 2


def test_many_people_are_brought_up_to_date_with_as_many_questions_as_one(
    chat: Chat, missed: Missed, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = Questions()
    monkeypatch.setattr(missing, "news_for", questions)
    links = [signed_out(chat, sign_up(chat.app).id) for _ in range(3)]
    missed.catch_up()
    assert [link.closed_with for link in links] == [close_codes.LOGIN_ENDED] * 3
    assert questions.asked == 1
