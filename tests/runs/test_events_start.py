"""The beginning of an event stream, in this process: what has changed meanwhile is noticed before its socket moves."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
from gevent.event import Event
from werkzeug.test import TestResponse

from tests.runs.conftest import Chat
from zgpt.auth.access import confirm
from zgpt.auth.models import User
from zgpt.auth.tokens import Identity
from zgpt.core.db import db
from zgpt.llm.scripted import Hold, Say
from zgpt.realtime.broker import MemoryBroker
from zgpt.realtime.live import RunHead
from zgpt.runs.access import access_run
from zgpt.runs.models import Run

TIMEOUT_S = 5.0


def follow(chat: Chat, run_id: str, **environ: Any) -> TestResponse:
    """The request, to a server that would give its socket away."""
    environ = environ or {"gunicorn.socket": object()}
    path = f"/api/v1/runs/{run_id}/events"
    return chat.app.test_client().get(path, headers=chat.person.headers, environ_overrides=environ)


def elsewhere(ask: Callable[..., TestResponse], path: str, **options: Any) -> TestResponse:
    """A request beside the one that runs: with a session of the database of its own."""
    return Context().run(lambda: ask(path, **options))


def test_a_login_that_ends_meanwhile_begins_no_stream_and_leaves_nothing_behind(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The revocation may run after the token was checked and before the hub knows of the stream."""
    sent, person = chat.ask(), chat.person

    def ends_before(identity: Identity) -> User:
        headers = {**person.headers, "Origin": "http://localhost"}
        assert elsewhere(person.client.post, "/api/v1/auth/logout", headers=headers).status_code == 204
        return confirm(identity)

    monkeypatch.setattr("zgpt.runs.events.confirm", ends_before)
    assert follow(chat, sent.run_id).status_code == 401
    live = chat.hub.live_run(sent.run_id)
    assert live is not None
    assert (live.is_viewed, chat.hub.connections_of(person.id)) == (False, 0)


def test_a_run_that_moves_to_another_process_is_asked_for_again(chat: Chat) -> None:
    gate = Event()
    chat.provider.script(Say("Well"), Hold(gate))
    sent = chat.send()
    chat.hub.run_dropped(sent.run_id, 1)
    answer = follow(chat, sent.run_id)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (answer.get_json()["code"], answer.get_json()["retryable"]) == ("unavailable", True)
    gate.set()
    chat.settle()


def test_the_log_is_asked_for_the_text_with_no_connection_of_the_pool_in_hand(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_hand: list[int] = []

    def prepare(_broker: MemoryBroker, _heads: list[RunHead]) -> None:
        in_hand.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]

    monkeypatch.setattr(MemoryBroker, "prepare", prepare)
    gate = Event()
    chat.provider.script(Say("Well"), Hold(gate))
    sent = chat.send()
    chat.hub.run_dropped(sent.run_id, 1)
    assert (follow(chat, sent.run_id).status_code, in_hand) == (503, [0])
    gate.set()
    chat.settle()


def test_a_session_that_is_deleted_meanwhile_is_not_found(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = chat.ask()
    chat.hub.run_dropped(sent.run_id, 1)

    def deleted_after(identity: Identity, run_id: str) -> Run:
        run = access_run(identity, run_id)
        path = f"/api/v1/sessions/{sent.session_id}"
        assert elsewhere(chat.person.client.delete, path, headers=chat.person.headers).status_code == 204
        return run

    monkeypatch.setattr("zgpt.runs.events.access_run", deleted_after)
    assert follow(chat, sent.run_id).status_code == 404


def test_a_run_that_ended_long_ago_is_told_from_what_is_stored(chat: Chat) -> None:
    sent = chat.ask()
    chat.hub.run_dropped(sent.run_id, 1)
    ours, client = socket.socketpair()
    with ours, client:
        client.settimeout(TIMEOUT_S)
        taken = {"werkzeug.socket": ours, "wsgi.input": io.BufferedReader(io.BytesIO())}
        # What tells the server that its socket has gone elsewhere.
        with pytest.raises(ConnectionAbortedError):
            follow(chat, sent.run_id, **taken)
        told = b""
        while data := client.recv(65_536):
            told += data
    head, _, events = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert [line for line in events.split(b"\n") if line.startswith(b"event")] == [
        b"event: run.delta", b"event: run.completed",
    ]  # fmt: skip
    assert b'"text":"Hello."' in events
