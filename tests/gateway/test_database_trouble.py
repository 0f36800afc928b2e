"""A database that is locked or full: told as `unavailable`, and the same command repeated succeeds exactly once."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.gateway.conftest import Desk, House
from tests.runs.conftest import new_name
from tests.support.ws_client import CommandFailed
from zgpt.core.db import db


@contextmanager
def _locked(house: House) -> Iterator[None]:
    """Another process holds SQLite's write lock."""
    other = sqlite3.connect(house.server.folder / "zgpt.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.rollback()
        other.close()


def test_a_message_while_the_database_is_locked_is_refused_as_retryable_and_then_taken_once(house: House) -> None:
    visitor = house.visit()
    command: dict[str, Any] = {"session_id": None, "client_id": str(uuid.uuid4()), "text": "echo:Here"}
    with house.connect(visitor) as client:
        with _locked(house):
            for _ in range(2):
                with pytest.raises(CommandFailed) as fault:
                    client.command("message.send", **command)
                assert (fault.value.code, fault.value.frame["retryable"]) == ("unavailable", True)
            assert client.command("ping") == {}
        sent = client.command("message.send", **command)
        assert client.command("message.send", **command) == sent
        assert client.wait_for("run.completed", run_id=sent["run_id"])["message"]["text"] == "Here"
    stored = visitor.messages(sent["session_id"])
    assert [(message["role"], message["text"]) for message in stored] == [("user", "echo:Here"), ("assistant", "Here")]
    assert len(visitor.get("/api/v1/sessions")["items"]) == 1


def test_an_answer_that_ends_while_the_database_is_locked_is_kept_when_it_is_free(house: House) -> None:
    visitor = house.visit()
    with house.connect(visitor) as client:
        sent = client.command("message.send", session_id=None, client_id=str(uuid.uuid4()), text="count:20@40")
        client.wait_for("run.delta")
        with _locked(house):
            shown = ""
            while "19" not in shown:
                shown += client.wait_for("run.delta")["text"]
            with pytest.raises(TimeoutError):
                client.wait_for("run.completed", timeout_s=0.5)
        end = client.wait_for("run.completed")
    assert (end["status"], end["message"]["text"]) == ("completed", "".join(f"{n} " for n in range(20)))
    assert visitor.messages(sent["session_id"])[-1]["run"]["status"] == "completed"


def test_a_full_disk_is_told_as_unavailable_and_the_same_command_succeeds_once_there_is_room(desk: Desk) -> None:
    pages = 10_000_000

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    socket = desk.connect()
    with desk.chat.app.app_context():
        engine = db.engine
    event.listen(engine, "checkout", limit)
    pages = 1
    command = {"session_id": None, "client_id": new_name(), "text": "word " * 5_000}
    error = socket.ask("message.send", **command)
    assert (error["code"], error["retryable"]) == ("unavailable", True)
    pages = 10_000_000
    first = socket.ask("message.send", **command)
    assert first["type"] == "ok"
    assert socket.ask("message.send", **command)["result"] == first["result"]
    desk.chat.settle()
    assert [event["message"]["role"] for event in socket.seen if event["type"] == "message.created"][:2] == [
        "user",
        "assistant",
    ]
