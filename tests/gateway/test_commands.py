"""What each command does, seen from the connection that says it."""

from collections.abc import Iterable
from unittest.mock import Mock

import pytest
from gevent.event import Event

from tests.gateway.conftest import Desk, Socket
from tests.runs.conftest import new_name
from zgpt.chat.cursors import encode_message_cursor
from zgpt.core.db import db
from zgpt.core.errors import Unavailable
from zgpt.gateway import commands
from zgpt.gateway.commands import SESSIONS_PER_CONNECTION
from zgpt.llm.scripted import Hold, Say
from zgpt.realtime.broker import MemoryBroker
from zgpt.realtime.live import RunHead
from zgpt.runs import queries


def _send(socket: Socket, text: str = "Hi", session_id: str | None = None, name: str | None = None) -> dict[str, str]:
    answer = socket.ask("message.send", session_id=session_id, client_id=name or new_name(), text=text)
    assert answer["type"] == "ok", answer
    result: dict[str, str] = answer["result"]
    return result


def test_hello_tells_who_and_how(desk: Desk) -> None:
    result = desk.socket().ask("hello", token=desk.chat.person.access_token)["result"]
    assert (result["protocol"], result["heartbeat_s"], result["connection_id"]) == (1, 25, "connection")
    assert (result["user"]["id"], result["user"]["email"]) == (desk.chat.person.id, desk.chat.person.email)


def test_a_second_hello_is_a_conflict(desk: Desk) -> None:
    socket = desk.connect()
    assert socket.ask("hello", token=desk.chat.person.access_token)["code"] == "conflict"
    assert socket.ask("ping")["type"] == "ok"


def test_a_first_message_is_answered_before_its_events_and_streams_to_its_sender(desk: Desk) -> None:
    socket = desk.connect()
    sent = _send(socket, "Why?")
    desk.chat.settle()
    of_session = [event["type"] for event in socket.seen[1:]]
    assert of_session == [
        "ok",
        "message.created",
        "message.created",
        "session.updated",
        "run.started",
        "run.delta",
        "run.completed",
        "session.updated",
    ]
    created = [event for event in socket.seen if event["type"] == "message.created"]
    assert [(event["revision"], event["message"]["role"]) for event in created] == [(1, "user"), (2, "assistant")]
    assert created[1]["message"]["run"]["status"] == "queued"
    assert created[0]["message"]["id"] == sent["message_id"]


def test_a_message_to_a_session_that_is_not_open_opens_it(desk: Desk) -> None:
    first = desk.chat.ask()
    socket = desk.connect()
    _send(socket, "More", first.session_id)
    desk.chat.settle()
    assert {"message.created", "run.delta", "run.completed"} <= set(socket.types)


def test_the_same_message_again_tells_what_the_first_made_and_shows_its_answer(desk: Desk) -> None:
    gate, name = Event(), new_name()
    desk.chat.provider.script(Say("Hello "), Hold(gate), Say("there"))
    first = _send(desk.connect(), "Why?", None, name)
    desk.chat.wait(lambda: [run.size for run in desk.chat.runner.active()] == [6])
    again = desk.connect()
    assert _send(again, "Why?", None, name) == first
    gate.set()
    desk.chat.settle()
    told = [event for event in again.seen if event["type"] in {"message.created", "run.delta"}]
    assert [event["type"] for event in told] == ["message.created", "message.created", "run.delta", "run.delta"]
    assert [event["text"] for event in told[2:]] == ["Hello ", "there"]


def test_the_same_message_again_after_its_answer_has_ended_carries_the_answer(desk: Desk) -> None:
    socket, name = desk.connect(), new_name()
    first = _send(socket, "Why?", None, name)
    desk.chat.settle()
    again = desk.connect()
    assert _send(again, "Why?", None, name) == first
    created = [event["message"] for event in again.seen if event["type"] == "message.created"]
    assert [message["text"] for message in created] == ["Why?", "Hello."]
    assert "run.delta" not in again.types


def test_opening_a_session_tells_what_is_there(desk: Desk) -> None:
    sent = desk.chat.ask("Why?")
    result = desk.connect().ask("session.open", session_id=sent.session_id)["result"]
    assert (result["session"]["id"], result["revision"], result["more"]) == (sent.session_id, 3, False)
    assert [message["text"] for message in result["messages"]] == ["Why?", "Hello."]
    assert (result["deleted"], result["runs"]) == ([], [])


def test_opening_a_session_again_tells_what_changed_since(desk: Desk) -> None:
    sent = desk.chat.ask()
    result = desk.connect().ask("session.open", session_id=sent.session_id, revision=3)["result"]
    assert result["messages"] == []


def test_opening_a_session_in_the_middle_of_an_answer_sends_the_rest_after_what_is_held(desk: Desk) -> None:
    gate = Event()
    desk.chat.provider.script(Say("Hello "), Hold(gate), Say("there"))
    sent = desk.chat.send()
    desk.chat.wait(lambda: [run.size for run in desk.chat.runner.active()] == [6])
    socket = desk.connect()
    hold = {"run_id": sent.run_id, "part": "text", "epoch": 1, "offset": 4}
    result = socket.ask("session.open", session_id=sent.session_id, revision=2, holds=[hold])["result"]
    [run] = result["runs"]
    assert (run["run_id"], run["status"], run["epoch"]) == (sent.run_id, "streaming", 1)
    gate.set()
    desk.chat.settle()
    deltas = [(event["at"], event["text"]) for event in socket.seen if event["type"] == "run.delta"]
    assert deltas == [(4, "o "), (6, "there")]


def test_a_hold_of_another_run_is_worth_nothing(desk: Desk) -> None:
    gate = Event()
    desk.chat.provider.script(Say("Hello "), Hold(gate))
    sent = desk.chat.send()
    desk.chat.wait(lambda: [run.size for run in desk.chat.runner.active()] == [6])
    socket = desk.connect()
    hold = {"run_id": new_name(), "part": "text", "epoch": 1, "offset": 4}
    socket.ask("session.open", session_id=sent.session_id, holds=[hold])
    assert [event["at"] for event in socket.seen if event["type"] == "run.delta"] == [0]
    gate.set()
    desk.chat.settle()


def test_a_closed_session_sends_nothing_more(desk: Desk) -> None:
    sent = desk.chat.ask()
    socket = desk.connect()
    socket.ask("session.open", session_id=sent.session_id)
    assert socket.ask("session.close", session_id=sent.session_id)["type"] == "ok"
    desk.chat.ask("More", sent.session_id)
    assert "message.created" not in socket.types
    assert "session.updated" in socket.types


def test_only_so_many_sessions_may_be_open_at_once(desk: Desk) -> None:
    sessions = [desk.chat.ask().session_id for _ in range(SESSIONS_PER_CONNECTION + 1)]
    socket = desk.connect()
    for session_id in sessions[:-1]:
        assert socket.ask("session.open", session_id=session_id)["type"] == "ok"
    assert socket.ask("session.open", session_id=sessions[-1])["code"] == "conflict"
    refused = socket.ask("message.send", session_id=None, client_id=new_name(), text="Hi")
    assert refused["code"] == "conflict"
    assert socket.ask("session.open", session_id=sessions[0])["type"] == "ok"
    socket.ask("session.close", session_id=sessions[0])
    assert socket.ask("session.open", session_id=sessions[-1])["type"] == "ok"


def test_a_session_whose_opening_fails_is_not_viewed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = desk.chat.ask()
    socket = desk.connect()
    monkeypatch.setattr(commands, "changes_since", lambda *_: 1 / 0)
    assert socket.ask("session.open", session_id=sent.session_id)["code"] == "internal"
    assert desk.chat.hub._viewers == {}


def test_a_stop_is_taken_as_often_as_it_is_said(desk: Desk) -> None:
    desk.chat.provider.script(Say("Well"), Hold(Event()))
    socket = desk.connect()
    sent = _send(socket)
    for _ in range(3):
        assert socket.ask("run.stop", run_id=sent["run_id"])["type"] == "ok"
    assert socket.event("run.completed")["status"] == "stopped"
    assert socket.ask("run.stop", run_id=sent["run_id"])["type"] == "ok"


def test_an_answer_is_written_again_and_a_question_edited(desk: Desk) -> None:
    socket = desk.connect()
    sent = _send(socket)
    desk.chat.settle()
    answer_id = socket.event("run.completed")["message_id"]
    again = socket.ask("run.regenerate", message_id=answer_id)["result"]
    assert set(again) == {"session_id", "message_id", "run_id"}
    desk.chat.settle()
    edited = socket.ask("message.edit", message_id=sent["message_id"], client_id=new_name(), text="Better")["result"]
    assert set(edited) == {"session_id", "message_id", "run_id"}
    desk.chat.settle()
    assert socket.types.count("run.completed") == 3


def test_a_second_message_during_an_answer_is_a_conflict_with_a_code_of_its_own(desk: Desk) -> None:
    desk.chat.provider.script(Hold(Event()))
    socket = desk.connect()
    sent = _send(socket)
    error = socket.ask("message.send", session_id=sent["session_id"], client_id=new_name(), text="And?")
    assert (error["code"], error["retryable"]) == ("run_active", False)
    socket.ask("run.stop", run_id=sent["run_id"])
    desk.chat.settle()


@pytest.mark.parametrize(("text", "code"), [("", "invalid"), ("\0", "invalid"), ("x" * 40_000, "too_large")])
def test_a_text_that_cannot_be_sent_is_refused_in_words(desk: Desk, text: str, code: str) -> None:
    error = desk.connect().ask("message.send", session_id=None, client_id=new_name(), text=text)
    assert error["code"] == code
    assert error["message"]


def test_a_first_answer_without_room_for_all_says_where_the_older_messages_begin(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = desk.chat.ask()
    monkeypatch.setattr(queries, "PAGE_MESSAGES", 1)
    result = desk.connect().ask("session.open", session_id=sent.session_id)["result"]
    [newest] = result["messages"]
    assert (result["more"], result["before"]) == (True, encode_message_cursor(newest["id"]))


def test_a_repeated_message_whose_answer_cannot_be_read_leaves_its_session_closed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, socket = new_name(), desk.connect()
    sent = desk.chat.send("Hi", client_id=name)
    desk.chat.settle()
    with monkeypatch.context() as trouble:
        trouble.setattr(commands, "question_and_answer", Mock(side_effect=Unavailable()))
        assert socket.ask("message.send", session_id=None, client_id=name, text="Hi")["code"] == "unavailable"
    assert desk.chat.hub._viewers == {}
    assert _send(socket, name=name)["message_id"] == sent.message_id
    _send(socket, "More", sent.session_id)
    assert socket.event("run.completed")["session_id"] == sent.session_id


def test_the_log_is_asked_for_live_text_with_no_connection_of_the_pool_in_hand(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_hand: list[int] = []

    def prepare(_broker: MemoryBroker, heads: Iterable[RunHead]) -> None:
        in_hand.extend(db.engine.pool.checkedout() for _ in heads)  # type: ignore[attr-defined]  # of a queue pool

    monkeypatch.setattr(MemoryBroker, "prepare", prepare)
    desk.chat.provider.script(Hold(Event()))
    sent = desk.chat.send()
    assert desk.connect().ask("session.open", session_id=sent.session_id)["type"] == "ok"
    desk.chat.runner.stop(sent.run_id)
    desk.chat.settle()
    assert in_hand == [0]
