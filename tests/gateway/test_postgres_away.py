"""PostgreSQL goes away under a running server and comes back: nothing is doubled, and answers go on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.away import COUNTED, patiently, question, refused
from tests.gateway.conftest import House
from tests.support.postgres import PostgresServer
from tests.support.processes import polls
from tests.support.served import served
from tests.support.server import responds

KNOWN_S = 5.0
"""An answer is good for a second, and a new one may take some."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, own_postgres_url: str) -> Iterator[House]:
    settings = {"DATABASE_URL": own_postgres_url, "DATABASE_POOL_SIZE": "5"}
    with served(tmp_path_factory.mktemp("house"), sqlite_template, **settings) as (server, model):
        yield House(server, model)


@pytest.fixture(autouse=True)
def running(own_postgres: PostgresServer) -> Iterator[None]:
    """Each test leaves the database as it found it: there."""
    yield
    own_postgres.start_again()


def test_a_command_while_it_is_away_is_refused_as_retryable_and_then_done_once(
    house: House, own_postgres: PostgresServer
) -> None:
    visitor, command = house.visit(), question("echo:Here")
    with house.connect(visitor) as client:
        own_postgres.stop()
        with refused():
            client.command("message.send", **command)
        own_postgres.start()
        sent = patiently(client, command)
        assert client.command("message.send", **command) == sent
        assert client.wait_for("run.completed", run_id=sent["run_id"])["message"]["text"] == "Here"
    assert [message["text"] for message in visitor.messages(sent["session_id"])] == ["echo:Here", "Here"]
    assert len(visitor.get("/api/v1/sessions")["items"]) == 1


def test_an_answer_streams_on_while_it_is_away_and_ends_when_it_is_back(
    house: House, own_postgres: PostgresServer
) -> None:
    visitor = house.visit()
    with house.connect(visitor) as client:
        sent = client.command("message.send", **question("count:60@40"))
        shown = client.wait_for("run.delta")["text"]
        own_postgres.stop()
        while len(shown) < len(COUNTED):
            shown += client.wait_for("run.delta")["text"]
        assert shown == COUNTED
        with pytest.raises(TimeoutError):
            client.wait_for("run.completed", timeout_s=0.3)
        own_postgres.start()
        end = client.wait_for("run.completed")
    assert (end["status"], end["message"]["text"]) == ("completed", COUNTED)
    stored = visitor.messages(sent["session_id"])[-1]
    assert (stored["text"], stored["run"]["status"]) == (COUNTED, "completed")


def test_restarts_in_mid_answer_lose_and_double_nothing(house: House, own_postgres: PostgresServer) -> None:
    visitor = house.visit()
    with house.connect(visitor) as client:
        sent = [client.command("message.send", **question("count:60@30")) for _ in range(5)]
        for _ in range(2):
            own_postgres.stop()
            own_postgres.start()
        ended: dict[str, Any] = {}
        while len(ended) < len(sent):
            end = client.wait_for("run.completed")
            ended[end["run_id"]] = end["message"]["text"]
    assert ended == {one["run_id"]: COUNTED for one in sent}
    assert [visitor.messages(one["session_id"])[-1]["text"] for one in sent] == [COUNTED] * 5


def test_over_http_it_is_told_as_unavailable_and_the_process_stays_alive(
    house: House, own_postgres: PostgresServer
) -> None:
    visitor = house.visit()
    own_postgres.stop()
    assert responds(house.url + "/healthz")
    assert any(not responds(house.url + "/readyz") for _ in polls(KNOWN_S))
    with pytest.raises(OSError, match="503"):
        visitor.get("/api/v1/sessions")
    own_postgres.start()
    assert visitor.get("/api/v1/sessions")["items"] == []
    assert any(responds(house.url + "/readyz") for _ in polls(KNOWN_S))


def test_a_hello_while_it_is_away_is_refused_as_retryable_and_the_socket_stays(
    house: House, own_postgres: PostgresServer
) -> None:
    visitor = house.visit()
    own_postgres.stop()
    with house.connect() as client:
        with refused():
            client.hello(visitor.token)
        own_postgres.start()
        assert client.hello(visitor.token)["protocol"] == 1
