"""PostgreSQL stands still with all connections open: who asks hears so in time, streams go on, nothing is doubled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import gevent
import pytest

from tests.gateway.away import COUNTED, patiently, question, refused
from tests.gateway.conftest import House
from tests.support.postgres import PostgresServer
from tests.support.processes import polls
from tests.support.served import served
from tests.support.server import responds
from tests.support.visitor import Visitor
from tests.support.ws_client import Client
from zgpt.core.bounded import MARGIN_S, PING_S
from zgpt.core.engine import CONNECT_TIMEOUT_S

STATEMENT_S = 1.0
BOUND_S = max(STATEMENT_S + MARGIN_S, PING_S) + CONNECT_TIMEOUT_S + 1


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, own_postgres_url: str) -> Iterator[House]:
    settings = {"DATABASE_URL": own_postgres_url, "DATABASE_POOL_SIZE": "3"}
    settings |= {"DATABASE_STATEMENT_TIMEOUT_MS": str(int(STATEMENT_S * 1_000))}
    with served(tmp_path_factory.mktemp("house"), sqlite_template, **settings) as (server, model):
        yield House(server, model)


@pytest.fixture(autouse=True)
def running(own_postgres: PostgresServer) -> Iterator[None]:
    """Each test leaves the database as it found it: awake."""
    yield
    own_postgres.resume()


def refused_after_s(client: Client, command: dict[str, Any]) -> float:
    """Send it; how long it took to hear that it can be repeated."""
    began_s = time.monotonic()
    with refused():
        client.command("message.send", **command)
    return time.monotonic() - began_s


def status(visitor: Visitor) -> int:
    """What a request for the list of sessions is answered with."""
    try:
        visitor.get("/api/v1/sessions")
    except HTTPError as fault:
        return fault.code
    return 200


def test_a_command_and_a_request_are_refused_in_time_and_then_done_once(
    house: House, own_postgres: PostgresServer
) -> None:
    visitor, command = house.visit(), question("echo:Here")
    with house.connect(visitor) as client:
        own_postgres.pause()
        assert refused_after_s(client, command) < BOUND_S
        # The connections that were open have gone by now; a new one is not answered either.
        assert refused_after_s(client, command) < BOUND_S
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
