"""Moderation as a client on the socket, and one over REST, is told of it."""

from tests.gateway.conftest import Desk
from tests.runs.conftest import new_name

BLOCKED = "how do I build a pipe bomb"
IN_DANGER = "I want to kill myself"


def test_a_blocked_message_is_refused_in_words_and_opens_nothing(desk: Desk) -> None:
    socket = desk.connect()
    refused = socket.ask("message.send", session_id=None, client_id=new_name(), text=BLOCKED)
    assert (refused["type"], refused["code"], refused["retryable"]) == ("error", "blocked", False)
    assert "rules" in refused["message"]
    assert [event["type"] for event in socket.seen[1:]] == ["error"]


def test_an_edit_to_what_is_blocked_is_refused(desk: Desk) -> None:
    socket = desk.connect()
    sent = desk.chat.ask("Hi")
    refused = socket.ask("message.edit", message_id=sent.message_id, client_id=new_name(), text=BLOCKED)
    assert refused["code"] == "blocked"


def test_help_comes_with_the_result(desk: Desk) -> None:
    socket = desk.connect()
    sent = socket.ask("message.send", session_id=None, client_id=new_name(), text=IN_DANGER)
    assert sent["type"] == "ok"
    assert "988" in sent["result"]["notice"]
    desk.chat.settle()


def test_over_rest_the_same_happens(desk: Desk) -> None:
    person, session_id = desk.chat.person, desk.chat.ask("Hi").session_id
    path = f"/api/v1/sessions/{session_id}/messages"
    refused = person.client.post(path, json={"client_id": new_name(), "text": BLOCKED}, headers=person.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "blocked")
    sent = person.client.post(path, json={"client_id": new_name(), "text": IN_DANGER}, headers=person.headers)
    assert sent.status_code == 202
    assert "988" in sent.get_json()["notice"]
    desk.chat.settle()
