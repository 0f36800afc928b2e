"""What a page needs over REST where no WebSocket gets through: its commands, with the same results."""

from typing import Any

import pytest
from gevent.event import Event

from tests.runs.conftest import Chat, new_name
from tests.support.people import sign_up
from zgpt.llm.scripted import Hold, Say


def _post(chat: Chat, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = chat.person.client.post(f"/api/v1{path}", json=body, headers=chat.person.headers)
    return answer.status_code, answer.get_json()


def _get(chat: Chat, path: str) -> dict[str, Any]:
    answer = chat.person.client.get(f"/api/v1{path}", headers=chat.person.headers)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_first_message_begins_a_session_once(chat: Chat) -> None:
    body = {"client_id": new_name(), "text": "Hi"}
    status, sent = _post(chat, "/messages", body)
    assert (status, _post(chat, "/messages", body)) == (202, (202, sent))
    chat.settle()
    assert [session["id"] for session in _get(chat, "/sessions")["items"]] == [sent["session_id"]]


def test_a_question_is_asked_anew_beside_itself_once(chat: Chat) -> None:
    first = chat.ask("Hi")
    body = {"client_id": new_name(), "text": "Hello"}
    status, sent = _post(chat, f"/messages/{first.message_id}/edit", body)
    chat.settle()
    assert (status, sent["session_id"]) == (202, first.session_id)
    assert _post(chat, f"/messages/{first.message_id}/edit", body) == (202, sent)
    messages = _get(chat, f"/sessions/{first.session_id}/messages")["items"]
    asked = [message for message in messages if message["role"] == "user"]
    assert [(message["text"], message["parent_id"]) for message in asked] == [("Hi", None), ("Hello", None)]


def test_only_a_question_is_asked_anew(chat: Chat) -> None:
    sent = chat.ask("Hi")
    answer = chat.run(sent.run_id).message_id
    assert _post(chat, f"/messages/{answer}/edit", {"client_id": new_name(), "text": "x"})[0] == 422


@pytest.mark.parametrize("path", ["/messages/{}/edit", "/sessions/{}/messages"])
def test_what_is_not_there_is_not_found(chat: Chat, path: str) -> None:
    assert _post(chat, path.format(new_name()), {"client_id": new_name(), "text": "x"})[0] == 404


def test_what_changed_since_a_revision_is_told_like_an_opened_session(chat: Chat) -> None:
    sent = chat.ask("Hi")
    whole = _get(chat, f"/sessions/{sent.session_id}/changes")
    assert [message["text"] for message in whole["messages"]] == ["Hi", "Hello."]
    assert whole["revision"] == whole["session"]["revision"]
    assert (whole["runs"], whole["deleted"], whole["more"], whole["before"]) == ([], [], False, None)

    chat.ask("Again", sent.session_id)
    since = _get(chat, f"/sessions/{sent.session_id}/changes?since={whole['revision']}")
    assert [message["text"] for message in since["messages"]] == ["Again", "Hello."]
    assert _get(chat, f"/sessions/{sent.session_id}/changes?since={since['revision']}")["messages"] == []


def test_a_run_that_is_being_written_is_told_as_live(chat: Chat) -> None:
    held = Event()
    chat.provider.script(Say("x"), Hold(held))
    sent = chat.send("Hi")
    runs = _get(chat, f"/sessions/{sent.session_id}/changes")["runs"]
    held.set()
    chat.settle()
    assert [run["run_id"] for run in runs] == [sent.run_id]


def test_the_changes_of_somebody_else_are_not_found(chat: Chat) -> None:
    sent = chat.ask("Hi")
    stranger = sign_up(chat.app)
    answer = stranger.client.get(f"/api/v1/sessions/{sent.session_id}/changes", headers=stranger.headers)
    assert answer.status_code == 404
