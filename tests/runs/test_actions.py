"""From a command to a stored question and a queued run: sending and stopping."""

import pytest
from gevent.event import Event
from sqlalchemy import func, select

from tests.runs.conftest import Chat, MakeChat, new_name
from tests.support.people import sign_up
from zgpt.chat.actions import delete_session
from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import db
from zgpt.core.errors import Conflict, Invalid, NotFound, Problem, RateLimited
from zgpt.llm.scripted import Hold, Say
from zgpt.runs import actions
from zgpt.runs.models import Run


def _count(chat: Chat, model: type) -> int:
    with chat.app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_first_message_makes_a_session_a_question_an_answer_and_a_run(any_chat: Chat) -> None:
    sent = any_chat.ask("Why?")
    session = any_chat.row(ChatSession, sent.session_id)
    run = any_chat.run(sent.run_id)
    question, answer = any_chat.row(Message, sent.message_id), any_chat.row(Message, run.message_id)
    assert (question.role, question.text, question.parent_id) == ("user", "Why?", None)
    assert (answer.role, answer.text, answer.parent_id, answer.model) == (
        "assistant",
        "Hello.",
        question.id,
        "scripted",
    )
    assert (session.leaf_id, session.user_id) == (answer.id, any_chat.person.id)
    assert (run.status, run.epoch, run.text_kept) == ("completed", 1, "")


def test_the_next_message_follows_the_answer_before_it(chat: Chat) -> None:
    first = chat.ask("One")
    second = chat.ask("Two", first.session_id)
    question = chat.row(Message, second.message_id)
    assert question.parent_id == chat.run(first.run_id).message_id
    assert [turn.text for turn in chat.provider.prompts[-1].messages[1:]] == ["One", "Hello.", "Two"]


def test_each_change_has_a_revision_of_its_own_and_is_told_in_order(chat: Chat) -> None:
    sent = chat.ask("One")
    link = chat.view(sent.session_id)
    chat.ask("Two", sent.session_id)
    told = [(e["type"], e.get("revision") or e.get("session", {}).get("revision")) for e in link.seen]
    assert [what for what in told if what[1]] == [
        ("message.created", 4),
        ("message.created", 5),
        ("session.updated", 5),
        ("run.completed", 6),
        ("session.updated", 6),
    ]
    assert [what for what, revision in told if not revision] == ["run.started", "run.delta"]


def test_the_users_other_devices_hear_of_the_session(chat: Chat) -> None:
    device = chat.device()
    chat.ask("Hi")
    assert set(device.types) == {"session.updated"}
    assert device.seen[-1]["user_revision"] > device.seen[0]["user_revision"]


def test_the_session_is_announced_before_its_first_event(chat: Chat) -> None:
    order: list[str] = []
    link = chat.device()
    with chat.app.app_context():
        actions.send_message(
            chat.person.id, None, new_name(), "Hi", lambda session_id: order.append(f"{len(link.seen)} {session_id}")
        )
    sessions = [event["session"]["id"] for event in link.seen]
    assert order == [f"0 {sessions[0]}"]


@pytest.mark.parametrize("in_session", [True, False], ids=["in a session", "without one"])
def test_the_same_command_again_returns_what_the_first_made(any_chat: Chat, in_session: bool) -> None:
    session_id = any_chat.ask().session_id if in_session else None
    name = new_name()
    first = any_chat.send("Once", session_id, name)
    any_chat.settle()
    before = _count(any_chat, Message)
    second = any_chat.send("Once", session_id, name)
    assert second.again
    assert (second.session_id, second.message_id, second.run_id) == (first.session_id, first.message_id, first.run_id)
    assert _count(any_chat, Message) == before


def test_the_same_name_in_another_session_is_another_message(chat: Chat) -> None:
    one, other, name = chat.ask(), chat.ask(), new_name()
    first = chat.send("A", one.session_id, name)
    second = chat.send("B", other.session_id, name)
    assert first.message_id != second.message_id
    assert not second.again


def test_a_name_of_somebody_else_is_free(chat: Chat) -> None:
    name = new_name()
    first = chat.send("Mine", None, name)
    chat.settle()
    stranger = sign_up(chat.app)
    second = chat.do(actions.send_message, stranger.id, None, name, "Theirs")
    assert second.session_id != first.session_id


def test_a_first_send_repeated_after_its_answer_is_gone_is_not_found(chat: Chat) -> None:
    name = new_name()
    sent = chat.send("Hi", None, name)
    chat.settle()
    with chat.app.app_context():
        db.session.delete(db.session.get_one(Run, sent.run_id))
        db.session.commit()
    with pytest.raises(NotFound):
        chat.send("Hi", None, name)


def test_a_second_message_waits_until_the_answer_has_ended(chat: Chat) -> None:
    gate = Event()
    chat.provider.script(Say("Well"), Hold(gate))
    sent = chat.send()
    with pytest.raises(Conflict) as fault:
        chat.send("And?", sent.session_id)
    assert fault.value.code == "run_active"
    assert _count(chat, Message) == 2
    gate.set()
    chat.settle()
    chat.ask("And?", sent.session_id)
    assert _count(chat, Message) == 4


@pytest.mark.parametrize("text", ["", "   \n\t", "a\0b", "\ud800"], ids=repr)
def test_a_message_that_is_no_text_is_invalid_and_makes_nothing(chat: Chat, text: str) -> None:
    with pytest.raises(Invalid) as fault:
        chat.send(text)
    assert (fault.value.code, fault.value.status) == ("invalid", 422)
    assert _count(chat, ChatSession) == 0


def test_a_message_that_is_too_long_is_refused_with_its_size(make_chat: MakeChat) -> None:
    chat = make_chat(MAX_MESSAGE_BYTES="1024")
    chat.ask("é" * 512)
    with pytest.raises(Invalid) as fault:
        chat.send("é" * 513)
    assert (fault.value.code, fault.value.status) == ("too_large", 413)
    assert "1026" in fault.value.message


def test_too_many_messages_are_refused_but_a_repetition_is_free(make_chat: MakeChat) -> None:
    chat = make_chat(LIMIT_MESSAGES="2 per hour")
    name = new_name()
    sent = chat.send("One", None, name)
    chat.settle()
    chat.ask("Two", sent.session_id)
    with pytest.raises(RateLimited) as fault:
        chat.send("Three", sent.session_id)
    assert fault.value.retry_after_ms
    assert chat.send("One", None, name).again


@pytest.mark.parametrize("whose", ["nobody's", "a stranger's", "a deleted one"])
def test_a_session_that_is_not_mine_answers_exactly_like_a_missing_one(chat: Chat, whose: str) -> None:
    session_id = new_name()
    if whose == "a stranger's":
        session_id = chat.do(actions.send_message, sign_up(chat.app).id, None, new_name(), "Theirs").session_id
    if whose == "a deleted one":
        session_id = chat.ask().session_id
        chat.do(delete_session, chat.person.id, session_id)
    with pytest.raises(NotFound) as fault:
        chat.send("Hi", session_id)
    missing = NotFound()
    found: Problem = fault.value
    assert (found.code, found.message, found.status) == (missing.code, missing.message, missing.status)


def test_a_stop_ends_the_run_with_what_was_shown_and_cancels_upstream(any_chat: Chat) -> None:
    any_chat.provider.script(Say("Well"), Hold(Event()))
    sent = any_chat.send()
    link = any_chat.view(sent.session_id)
    any_chat.wait(lambda: "run.delta" in link.types)
    any_chat.do(actions.request_stop, any_chat.person.id, sent.run_id)
    any_chat.settle()
    run = any_chat.run(sent.run_id)
    assert (run.status, any_chat.row(Message, run.message_id).text) == ("stopped", "Well")
    assert any_chat.provider.streams[0].cancelled


def test_stopping_twice_or_too_late_changes_nothing(chat: Chat) -> None:
    sent = chat.ask()
    for _ in range(2):
        chat.do(actions.request_stop, chat.person.id, sent.run_id)
    run = chat.run(sent.run_id)
    assert (run.status, run.stop_requested_at) == ("completed", None)


def test_a_second_stop_keeps_the_time_of_the_first(chat: Chat) -> None:
    chat.provider.script(Hold(Event()))
    sent = chat.send()
    chat.do(actions.request_stop, chat.person.id, sent.run_id)
    first_at = chat.run(sent.run_id).stop_requested_at
    chat.do(actions.request_stop, chat.person.id, sent.run_id)
    assert chat.run(sent.run_id).stop_requested_at == first_at
    chat.settle()


def test_a_run_of_somebody_else_cannot_be_stopped(chat: Chat) -> None:
    gate = Event()
    chat.provider.script(Hold(gate), Say("x"))
    sent = chat.send()
    with pytest.raises(NotFound):
        chat.do(actions.request_stop, sign_up(chat.app).id, sent.run_id)
    gate.set()
    chat.settle()
    assert chat.run(sent.run_id).status == "completed"
