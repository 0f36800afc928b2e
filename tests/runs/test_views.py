"""Runs over REST: the same actions as on the socket."""

from typing import Any

import pytest
from gevent.event import Event
from werkzeug.test import TestResponse

from tests.runs.conftest import Chat, new_name
from tests.support.people import Person, sign_up
from zgpt.llm.base import ProviderError
from zgpt.llm.scripted import Break, Hold, Say


def _post(person: Person, path: str, body: dict[str, Any] | None = None) -> TestResponse:
    return person.client.post(f"/api/v1{path}", json=body, headers=person.headers)


def _get(person: Person, path: str) -> TestResponse:
    return person.client.get(f"/api/v1{path}", headers=person.headers)


@pytest.fixture
def session_id(chat: Chat) -> str:
    return chat.ask().session_id


def test_a_message_is_taken_and_answered(chat: Chat, session_id: str) -> None:
    answer = _post(chat.person, f"/sessions/{session_id}/messages", {"client_id": new_name(), "text": "Hi"})
    assert answer.status_code == 202
    sent = answer.get_json()
    assert sent["session_id"] == session_id
    chat.settle()
    messages = _get(chat.person, f"/sessions/{session_id}/messages").get_json()["items"]
    assert messages[-1]["text"] == "Hello."
    assert messages[-1]["run"]["id"] == sent["run_id"]
    assert _get(chat.person, f"/runs/{sent['run_id']}").get_json() == messages[-1]["run"]


def test_the_same_client_id_is_the_same_message(chat: Chat, session_id: str) -> None:
    body = {"client_id": new_name(), "text": "Hi"}
    first = _post(chat.person, f"/sessions/{session_id}/messages", body).get_json()
    assert _post(chat.person, f"/sessions/{session_id}/messages", body).get_json() == first
    chat.settle()


def test_a_failed_run_tells_its_fault(chat: Chat, session_id: str) -> None:
    chat.provider.script(Break(ProviderError("provider_rejected", "The model does not take this.", False)))
    sent = chat.ask("Hi", session_id)
    run = _get(chat.person, f"/runs/{sent.run_id}").get_json()
    fault = {"code": "provider_rejected", "message": "The model does not take this.", "retryable": False}
    assert (run["status"], run["error"]) == ("failed", fault)


def test_a_run_is_stopped_as_often_as_asked(chat: Chat, session_id: str) -> None:
    chat.provider.script(Say("x"), Hold(Event()))
    sent = chat.send("Hi", session_id)
    for _ in range(2):
        assert _post(chat.person, f"/runs/{sent.run_id}/stop").status_code == 202
    chat.settle()
    assert _get(chat.person, f"/runs/{sent.run_id}").get_json()["status"] == "stopped"


def test_an_answer_is_written_again(chat: Chat, session_id: str) -> None:
    sent = chat.ask("Hi", session_id)
    message_id = chat.run(sent.run_id).message_id
    answer = _post(chat.person, f"/messages/{message_id}/regenerate")
    assert answer.status_code == 202
    assert answer.get_json()["message_id"] != message_id
    chat.settle()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"client_id": "7", "text": "Hi"}, 422),
        ({"client_id": new_name(), "text": 5}, 422),
        ({"client_id": new_name(), "text": "  "}, 422),
        ({"client_id": new_name(), "text": "x" * 40_000}, 413),
        ({"text": "Hi"}, 422),
    ],
    ids=["id", "type", "empty", "long", "missing"],
)
def test_bad_input_is_a_problem_in_words(chat: Chat, session_id: str, body: dict[str, Any], status: int) -> None:
    answer = _post(chat.person, f"/sessions/{session_id}/messages", body)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["detail"]


def test_what_is_somebody_elses_answers_like_what_is_not_there(chat: Chat, session_id: str) -> None:
    sent = chat.ask("Hi", session_id)
    message_id, stranger, body = (
        chat.run(sent.run_id).message_id,
        sign_up(chat.app),
        {"client_id": new_name(), "text": "x"},
    )
    paths = {
        f"/sessions/{session_id}/messages": f"/sessions/{new_name()}/messages",
        f"/runs/{sent.run_id}/stop": f"/runs/{new_name()}/stop",
        f"/messages/{message_id}/regenerate": f"/messages/{new_name()}/regenerate",
    }
    for theirs, missing in paths.items():
        answers = [_post(stranger, path, body) for path in (theirs, missing)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].get_json() == answers[1].get_json()
    reads = [_get(stranger, f"/runs/{run_id}") for run_id in (sent.run_id, new_name())]
    assert [answer.status_code for answer in reads] == [404, 404]
    assert reads[0].get_json() == reads[1].get_json()


def test_nobody_sends_without_signing_in(chat: Chat, session_id: str) -> None:
    answer = chat.app.test_client().post(f"/api/v1/sessions/{session_id}/messages", json={})
    assert answer.status_code == 401
