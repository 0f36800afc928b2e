"""Editing a question and having an answer written again: siblings in the tree."""

import pytest
from gevent.event import Event

from tests.runs.conftest import Chat, new_name
from tests.support.people import sign_up
from zgpt.chat.models import ChatSession, Message
from zgpt.core.errors import Conflict, Invalid, NotFound
from zgpt.llm.scripted import Hold
from zgpt.runs import actions


def _edit(chat: Chat, message_id: str, text: str = "Other", name: str | None = None) -> actions.Sent:
    return chat.do(actions.edit_message, chat.person.id, message_id, name or new_name(), text)


def _regenerate(chat: Chat, message_id: str) -> actions.Sent:
    return chat.do(actions.regenerate, chat.person.id, message_id)


def test_an_edited_question_is_a_sibling_and_the_new_leafs_branch(chat: Chat) -> None:
    chat.ask("One")
    first = chat.ask("One")
    second = chat.ask("Two", first.session_id)
    edited = _edit(chat, second.message_id, "Two, better")
    chat.settle()
    original, sibling = chat.row(Message, second.message_id), chat.row(Message, edited.message_id)
    assert (sibling.parent_id, original.text) == (original.parent_id, "Two")
    assert chat.row(ChatSession, first.session_id).leaf_id == chat.run(edited.run_id).message_id
    assert [turn.text for turn in chat.provider.prompts[-1].messages[1:]] == ["One", "Hello.", "Two, better"]


def test_the_first_question_can_be_edited_too(chat: Chat) -> None:
    first = chat.ask("One")
    edited = _edit(chat, first.message_id, "Another")
    chat.settle()
    assert chat.row(Message, edited.message_id).parent_id is None
    assert [turn.text for turn in chat.provider.prompts[-1].messages[1:]] == ["Another"]


def test_the_same_edit_again_returns_what_the_first_made(chat: Chat) -> None:
    first, name = chat.ask("One"), new_name()
    edited = _edit(chat, first.message_id, "Two", name)
    chat.settle()
    again = _edit(chat, first.message_id, "Two", name)
    assert again.again
    assert (again.message_id, again.run_id) == (edited.message_id, edited.run_id)


def test_an_answer_cannot_be_edited(chat: Chat) -> None:
    sent = chat.ask()
    with pytest.raises(Invalid):
        _edit(chat, chat.run(sent.run_id).message_id)


def test_an_edit_to_nothing_is_invalid(chat: Chat) -> None:
    sent = chat.ask()
    with pytest.raises(Invalid):
        _edit(chat, sent.message_id, " ")


def test_an_answer_written_again_is_a_sibling_with_a_run_of_its_own(chat: Chat) -> None:
    sent = chat.ask("One")
    old = chat.run(sent.run_id).message_id
    again = _regenerate(chat, old)
    chat.settle()
    answer = chat.row(Message, again.message_id)
    assert (answer.parent_id, answer.text, answer.role) == (sent.message_id, "Hello.", "assistant")
    assert again.run_id != sent.run_id
    assert chat.row(Message, old).text == "Hello."
    assert chat.row(ChatSession, sent.session_id).leaf_id == answer.id


def test_a_question_cannot_be_written_again(chat: Chat) -> None:
    sent = chat.ask()
    with pytest.raises(Invalid):
        _regenerate(chat, sent.message_id)


def test_while_an_answer_is_written_there_is_no_second_one(chat: Chat) -> None:
    first = chat.ask()
    answer = chat.run(first.run_id).message_id
    gate = Event()
    chat.provider.script(Hold(gate))
    _regenerate(chat, answer)
    with pytest.raises(Conflict, match="still being written") as fault:
        _regenerate(chat, answer)
    assert fault.value.code == "run_active"
    with pytest.raises(Conflict, match="still being written"):
        _edit(chat, first.message_id)
    gate.set()
    chat.settle()


def test_messages_of_somebody_else_can_be_neither_edited_nor_written_again(chat: Chat) -> None:
    sent = chat.ask()
    answer = chat.run(sent.run_id).message_id
    stranger = sign_up(chat.app).id
    for message_id in (sent.message_id, answer, new_name()):
        with pytest.raises(NotFound):
            chat.do(actions.edit_message, stranger, message_id, new_name(), "x")
        with pytest.raises(NotFound):
            chat.do(actions.regenerate, stranger, message_id)


def test_both_are_told_to_the_viewers_like_a_new_message(chat: Chat) -> None:
    sent = chat.ask()
    link = chat.view(sent.session_id)
    _regenerate(chat, chat.run(sent.run_id).message_id)
    chat.settle()
    assert [what for what in link.types if what != "session.updated"] == [
        "message.created",
        "run.started",
        "run.delta",
        "run.completed",
    ]
