"""PostgreSQL stands still with all connections open: who asks hears so in time, streams go on, nothing is doubled."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import gevent
import pytest

from tests.gateway.conftest import House
from tests.support.model_process import ModelServer
from tests.support.postgres import PostgresServer
from tests.support.processes import polls
from tests.support.server import Server, prepare_folder, responds, server_env
from tests.support.visitor import Visitor
from tests.support.ws_client import Client, CommandFailed
from zgpt.core.bounded import MARGIN_S, PING_S
from zgpt.core.engine import CONNECT_TIMEOUT_S

STATEMENT_S = 1.0
BOUND_S = max(STATEMENT_S + MARGIN_S, PING_S) + CONNECT_TIMEOUT_S + 1
COUNTED = "".join(f"{number} " for number in range(60))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, own_postgres_url: str) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    model = ModelServer(folder)
    model.start()
    prepare_folder(folder / "instance", sqlite_template)
    env = {"LLM_BASE_URL": model.url, "LLM_TITLES": "false", "DATABASE_URL": own_postgres_url}
    env |= {"DATABASE_POOL_SIZE": "3", "DATABASE_STATEMENT_TIMEOUT_MS": str(int(STATEMENT_S * 1_000))}
    server = Server(folder / "instance", server_env(env))
    server.start()
    yield House(server, model)
    server.close()
    model.close()
    print(f"--- log of {server.url}\n{server.log.read_text(errors='replace')}")


@pytest.fixture(autouse=True)
def running(own_postgres: PostgresServer) -> Iterator[None]:
    """Each test leaves the database as it found it: awake."""
    yield
    own_postgres.resume()


def question(text: str) -> dict[str, Any]:
    return {"session_id": None, "client_id": str(uuid.uuid4()), "text": text}


def refused(client: Client, command: dict[str, Any]) -> float:
    """Send it; how long it took to hear that it can be repeated."""
    began_s = time.monotonic()
    with pytest.raises(CommandFailed) as fault:
        client.command("message.send", **command)
    assert (fault.value.code, fault.value.frame["retryable"]) == ("unavailable", True)
    return time.monotonic() - began_s


def status(visitor: Visitor) -> int:
    """What a request for the list of sessions is answered with."""
    try:
        visitor.get("/api/v1/sessions")
    except HTTPError as fault:
        return fault.code
    return 200


def patiently(client: Client, command: dict[str, Any]) -> dict[str, Any]:
    """Repeat a command as its errors say that one may."""
    for _ in polls(15):
        try:
            return client.command("message.send", **command)
        except CommandFailed as fault:
            if (fault.code, fault.frame["retryable"]) != ("unavailable", True):
                raise
    raise TimeoutError("it never succeeded")


def test_a_command_and_a_request_are_refused_in_time_and_then_done_once(
    house: House, own_postgres: PostgresServer
) -> None:
    visitor, command = house.visit(), question("echo:Here")
    with house.connect(visitor) as client:
        own_postgres.pause()
        assert refused(client, command) < BOUND_S
        # The connections that were open have gone by now; a new one is not answered either.
        assert refused(client, command) < BOUND_S
        began_s = time.monotonic()
        assert status(visitor) == 503
        assert time.monotonic() - began_s < BOUND_S
        assert responds(house.url + "/healthz")
        own_postgres.resume()
        sent = patiently(client, command)
        assert client.command("message.send", **command) == sent
        assert client.wait_for("run.completed", run_id=sent["run_id"])["message"]["text"] == "Here"
    assert [message["text"] for message in visitor.messages(sent["session_id"])] == ["echo:Here", "Here"]
    assert len(visitor.get("/api/v1/sessions")["items"]) == 1


def test_an_answer_streams_on_meanwhile_and_ends_when_it_is_awake(house: House, own_postgres: PostgresServer) -> None:
    visitor = house.visit()
    with house.connect(visitor) as client:
        sent = client.command("message.send", **question("count:60@40"))
        shown = client.wait_for("run.delta")["text"]
        own_postgres.pause()
        while len(shown) < len(COUNTED):
            shown += client.wait_for("run.delta")["text"]
        assert shown == COUNTED
        with pytest.raises(TimeoutError):
            client.wait_for("run.completed", timeout_s=0.3)
        own_postgres.resume()
        end = client.wait_for("run.completed", timeout_s=BOUND_S + 5)
    assert (end["status"], end["message"]["text"]) == ("completed", COUNTED)
    assert visitor.messages(sent["session_id"])[-1]["text"] == COUNTED


def test_many_that_waited_leave_a_pool_that_serves_everybody(house: House, own_postgres: PostgresServer) -> None:
    visitors = [house.visit() for _ in range(20)]
    own_postgres.pause()
    began_s = time.monotonic()
    waiting = [gevent.spawn(status, visitor) for visitor in visitors]
    gevent.joinall(waiting, timeout=2 * BOUND_S)
    assert {one.value for one in waiting} == {503}
    assert time.monotonic() - began_s < BOUND_S
    own_postgres.resume()
    for _ in polls(5):
        if responds(house.url + "/readyz"):
            break
    asked = [gevent.spawn(status, visitor) for visitor in visitors]
    gevent.joinall(asked, timeout=BOUND_S)
    assert {one.value for one in asked} == {200}
