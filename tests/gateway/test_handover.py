"""Chat connections that go on in another process, and what they are shown of the time between."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from tests.gateway.conftest import Chat
from tests.gateway.pages import Page, freeze, held_answer
from tests.support import ws_frames
from zgpt.auth.models import Login
from zgpt.chat.actions import bump, delete_session, rename_session
from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock
from zgpt.core.db import db, transaction
from zgpt.gateway.handover import Handover
from zgpt.realtime import close_codes


def test_a_viewer_reads_on_where_it_was(chat: Chat, page: Page, handover: Handover) -> None:
    gate, sent = held_answer(chat, page)
    arrival = freeze(handover, page)
    assert not chat.hub.has_viewers(sent.session_id)
    handover.arrive([arrival])
    gate.set()
    page.read_until("run.completed")
    assert page.transcript.text(sent.run_id) == "one two three"
    assert (page.transcript.duplicates, page.transcript.gaps, page.transcript.swaps) == (0, 0, 0)
    assert page.ask("ping")["type"] == "ok"


def test_text_and_the_end_that_came_in_between_are_shown(chat: Chat, page: Page, handover: Handover) -> None:
    gate, sent = held_answer(chat, page)
    arrival = freeze(handover, page)
    gate.set()
    chat.settle()
    handover.arrive([arrival])
    assert "message.created" not in page.read_until("run.completed")
    assert page.transcript.text(sent.run_id) == "one two three"
    assert page.transcript.gaps == 0


def test_a_slow_viewer_is_shown_the_end_and_what_came_after_it(chat: Chat, page: Page, handover: Handover) -> None:
    gate, sent = held_answer(chat, page)
    page.block()
    arrival = freeze(handover, page)
    gate.set()
    chat.settle()
    chat.ask("And then?", sent.session_id)
    handover.arrive([arrival])
    assert page.conn.blocked
    assert "asks again" in page.read_until("run.completed")
    assert page.transcript.text(sent.run_id) == "one two three"
    page.open(sent.session_id)
    assert len(page.transcript.messages) == 4


def test_a_message_that_was_created_in_between_is_not_lost(chat: Chat, page: Page, handover: Handover) -> None:
    sent = chat.ask()
    page.open(sent.session_id)
    arrival = freeze(handover, page)
    chat.ask("And then?", sent.session_id)
    handover.arrive([arrival])
    assert "asks again" in page.read_until("message.created")
    page.open(sent.session_id)
    assert len(page.transcript.messages) == 4


def test_a_message_that_was_deleted_in_between_is_not_lost(chat: Chat, page: Page, handover: Handover) -> None:
    sent = chat.ask()
    page.open(sent.session_id)
    arrival = freeze(handover, page)

    def delete() -> None:
        with transaction():
            message = db.session.get_one(Message, sent.message_id)
            bump(db.session.get_one(ChatSession, sent.session_id))
            message.revision, message.deleted_at = page.transcript.revision + 1, clock.now()

    chat.do(delete)
    handover.arrive([arrival])
    page.read_until("message.deleted")
    assert sent.message_id not in page.transcript.messages


def test_a_title_that_changed_in_between_is_shown(chat: Chat, page: Page, handover: Handover) -> None:
    sent = chat.ask()
    page.open(sent.session_id)
    arrival = freeze(handover, page)
    chat.do(rename_session, chat.person.id, sent.session_id, "Another name")
    handover.arrive([arrival])
    event = page.event()
    assert (event["type"], event["session"]["title"]) == ("session.updated", "Another name")
    assert not page.transcript.apply(event)


def forget_sessions() -> None:
    db.session.execute(delete(ChatSession))
    db.session.commit()


@pytest.mark.parametrize("for_good", [False, True])
def test_a_session_that_was_deleted_in_between_is_told_to_be_gone(
    chat: Chat, page: Page, handover: Handover, for_good: bool
) -> None:
    sent = chat.ask()
    page.open(sent.session_id)
    arrival = freeze(handover, page)
    if for_good:
        chat.do(forget_sessions)
    else:
        chat.do(delete_session, chat.person.id, sent.session_id)
    handover.arrive([arrival])
    if not for_good:
        assert page.event()["type"] == "session.deleted"
    assert page.ask("ping")["type"] == "ok"
    assert not chat.hub.has_viewers(sent.session_id)


def test_a_login_that_was_revoked_in_between_closes_the_connection(chat: Chat, page: Page, handover: Handover) -> None:
    arrival = freeze(handover, page)

    def revoke() -> None:
        db.session.execute(update(Login).values(revoked_at=clock.now()))
        db.session.commit()

    chat.do(revoke)
    handover.arrive([arrival])
    assert page.closed_with() == close_codes.LOGIN_ENDED


def test_one_connection_too_many_of_a_person_is_closed(chat: Chat, page: Page, handover: Handover) -> None:
    handover._per_user = 0
    handover.arrive([freeze(handover, page)])
    assert page.closed_with() == close_codes.OVERLOAD


def test_one_that_has_not_said_hello_may_say_it_elsewhere(chat: Chat, handover: Handover) -> None:
    page = Page(chat, hello=False)
    page.line.send(ws_frames.PING)
    page.line.receive()
    due_s = page.client.due_s
    handover.arrive([freeze(handover, page)])
    assert page.client.due_s == due_s
    assert page.ask("hello", token=chat.person.access_token)["type"] == "ok"
    page.close()


def test_an_api_key_may_no_more_after_the_move_than_before(chat: Chat, page: Page, handover: Handover) -> None:
    page.client.scopes = frozenset({"read"})
    handover.arrive([freeze(handover, page)])
    named = {"message_id": "01900000-0000-7000-8000-000000000001"}
    assert page.ask("run.regenerate", **named)["code"] == "scope_missing"
    assert page.ask("ping")["type"] == "ok"
