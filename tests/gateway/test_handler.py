"""From a frame to an answer: what is parsed, limited, run and told."""

import json

import gevent
import pytest

from tests.gateway.conftest import Desk
from zgpt.core import clock
from zgpt.core.errors import Unavailable
from zgpt.gateway import client as client_module
from zgpt.gateway import commands
from zgpt.gateway.client import COMMANDS_AT_ONCE, QUEUED_COMMANDS
from zgpt.realtime import close_codes, protocol


def test_the_answer_names_the_command(desk: Desk) -> None:
    socket = desk.connect()
    first, second = socket.send("ping"), socket.send("ping")
    assert socket.answer(second) == {"type": "ok", "id": second, "result": {}}
    assert [event["id"] for event in socket.seen[-2:]] == [first, second]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"not json", "bad_frame"),
        (b"[" * 30_000, "bad_frame"),
        (b'{"type":"fly","id":"7"}', "unknown_command"),
        (b'{"type":"run.stop","id":"7","run_id":5}', "invalid"),
    ],
)
def test_a_frame_that_is_no_command_is_answered_and_the_connection_stays(desk: Desk, frame: bytes, code: str) -> None:
    socket = desk.connect()
    socket.receive(frame)
    error = socket.event("error")
    assert (error["code"], error["retryable"], error["retry_after_ms"]) == (code, False, None)
    assert error["id"] == (None if code == "bad_frame" else "7")
    assert socket.ask("ping")["type"] == "ok"


def test_a_binary_frame_closes(desk: Desk) -> None:
    socket = desk.connect()
    desk.gateway.on_binary(socket.as_connection, b"\0")
    assert socket.closed_with == close_codes.BINARY_REFUSED


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "auth.refresh", "token": "x"},
        {"type": "session.open", "session_id": "0190b3a4-0000-7000-8000-000000000001"},
        {"type": "session.close", "session_id": "0190b3a4-0000-7000-8000-000000000001"},
        {"type": "message.send", "client_id": "0190b3a4-0000-7000-8000-000000000001", "text": "Hi"},
        {
            "type": "message.edit",
            "message_id": "0190b3a4-0000-7000-8000-000000000001",
            "client_id": "0190b3a4-0000-7000-8000-000000000001",
            "text": "Hi",
        },
        {"type": "run.stop", "run_id": "0190b3a4-0000-7000-8000-000000000001"},
        {"type": "run.regenerate", "message_id": "0190b3a4-0000-7000-8000-000000000001"},
        {"type": "ping"},
    ],
    ids=lambda fields: fields["type"],
)
def test_before_hello_every_other_command_is_unauthorized_and_the_connection_stays(
    desk: Desk, fields: dict[str, str]
) -> None:
    socket = desk.socket()
    kind = fields.pop("type")
    assert socket.ask(kind, **fields)["code"] == "unauthorized"
    assert socket.closed_with is None
    assert socket.ask("hello", token=desk.chat.person.access_token)["type"] == "ok"


def test_every_command_of_the_protocol_is_served() -> None:
    assert set(commands.COMMANDS) == set(protocol.COMMANDS)


def test_too_many_commands_are_refused_with_the_time_to_wait(desk: Desk) -> None:
    socket = desk.connect()
    for _ in range(COMMANDS_AT_ONCE):
        socket.receive(b'{"type":"fly","id":"7"}')
    refused = socket.ask("ping")
    assert (refused["code"], refused["retryable"]) == ("rate_limited", True)
    gevent.sleep(refused["retry_after_ms"] / 1000)
    assert socket.ask("ping")["type"] == "ok"


def test_who_ignores_a_thousand_refusals_is_sent_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zgpt.gateway.handler.REFUSALS_BEFORE_CLOSE", 20)
    socket = desk.connect()
    for _ in range(COMMANDS_AT_ONCE + 21):
        socket.receive(b'{"type":"fly","id":"7"}')
    assert socket.closed_with == close_codes.TOO_MANY_COMMANDS


def test_more_commands_than_may_wait_are_told_to_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "COMMANDS_AT_ONCE", 1_000)
    socket = desk.connect()
    socket.client.allowance = 1_000
    for _ in range(QUEUED_COMMANDS):
        socket.send("ping")
    busy = socket.ask("ping")
    assert (busy["code"], busy["retryable"], busy["retry_after_ms"]) == ("busy", True, 1000)


def test_a_problem_is_told_with_all_its_fields(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unavailable(retry_after_ms=700)

    socket = desk.connect()
    monkeypatch.setattr("zgpt.gateway.handler.COMMANDS", {protocol.Ping: away})
    error = socket.ask("ping")
    assert (error["code"], error["retryable"], error["retry_after_ms"]) == ("unavailable", True, 700)
    assert error["message"]


def test_a_fault_of_our_own_is_told_without_its_details_and_the_connection_stays(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of ours")

    socket = desk.connect()
    monkeypatch.setattr("zgpt.gateway.handler.COMMANDS", {protocol.Ping: broken})
    error = socket.ask("ping")
    assert error["code"] == "internal"
    assert "secret" not in json.dumps(error)
    monkeypatch.undo()
    assert socket.ask("ping")["type"] == "ok"


def test_nobody_said_hello_in_time(desk: Desk) -> None:
    socket = desk.socket()
    with clock.moved(9):
        desk.gateway.deadlines.tick()
    assert socket.closed_with is None
    with clock.moved(12):
        desk.gateway.deadlines.tick()
    assert socket.closed_with == close_codes.NO_HELLO


def test_a_closed_connection_is_forgotten(desk: Desk) -> None:
    socket = desk.connect()
    socket.close(1000)
    gevent.sleep(0)
    assert desk.gateway.deadlines._buckets == {}
    assert desk.chat.hub._members == {}


def test_a_connection_that_closes_before_hello_is_forgotten(desk: Desk) -> None:
    socket = desk.socket()
    socket.close(1000)
    gevent.sleep(0)
    assert desk.gateway.deadlines._buckets == {}


def test_commands_of_a_connection_that_has_closed_are_not_run(desk: Desk) -> None:
    socket = desk.connect()
    socket.send("message.send", session_id=None, client_id="0190b3a4-0000-7000-8000-000000000001", text="Hi")
    socket.close(1000)
    gevent.sleep(0.05)
    assert desk.chat.runner.active() == []


@pytest.mark.parametrize("kind", ["hello", "session.open"])
def test_a_connection_that_closes_while_its_command_runs_leaves_nothing_behind(
    desk: Desk, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = desk.chat.ask()
    socket = desk.socket() if kind == "hello" else desk.connect()
    [command_type] = [c for c in commands.COMMANDS if c.__struct_config__.tag == kind]
    real = commands.COMMANDS[command_type]

    def closes_meanwhile(client: client_module.Client, command: protocol.AnyCommand) -> commands.Reply:
        socket.close(1000)
        gevent.sleep(0.01)
        return real(client, command)

    monkeypatch.setattr("zgpt.gateway.handler.COMMANDS", {**commands.COMMANDS, command_type: closes_meanwhile})
    socket.send(kind, token=desk.chat.person.access_token, session_id=sent.session_id)
    gevent.sleep(0.1)
    assert desk.gateway.deadlines._buckets == {}
    assert (desk.chat.hub._members, desk.chat.hub._viewers) == ({}, {})


def test_a_drained_connection_gets_the_rest_of_what_it_views(desk: Desk) -> None:
    first = desk.chat.ask()
    socket = desk.connect()
    socket.ask("session.open", session_id=first.session_id, revision=3)
    socket.block()
    desk.chat.ask("More", first.session_id)
    assert "run.delta" not in socket.types
    socket.drain()
    desk.gateway.on_drain(socket.as_connection)
    assert {"run.delta", "run.completed"} <= set(socket.types)


def test_a_connection_that_drains_before_hello_is_no_fault(desk: Desk) -> None:
    desk.gateway.on_drain(desk.socket().as_connection)
