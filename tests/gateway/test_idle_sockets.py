"""Two thousand people who only look: what they hold of PostgreSQL, which is nothing."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from typing import Any

import gevent
import pytest
from gevent.pool import Pool

from tests.conftest import MakeServer
from tests.support.postgres import PostgresServer, database_of
from tests.support.processes import polls
from tests.support.visitor import visit
from tests.support.ws_client import Client

SOCKETS = 2_000
POOL_SIZE = 5
AT_ONCE = 50
TIME_S = 60
pytestmark = pytest.mark.alone


def test_two_thousand_open_sockets_hold_no_connection_to_postgresql(
    server: MakeServer, postgres_server: PostgresServer, postgres_url: str
) -> None:
    running = server(DATABASE_URL=postgres_url, DATABASE_POOL_SIZE=str(POOL_SIZE), HELLO_TIMEOUT_S="60")
    visitor = visit(running.url)
    states = "SELECT state FROM pg_stat_activity WHERE datname = %s"
    with ExitStack() as opened, Client(running.url) as first:
        first.hello(visitor.token)
        command: dict[str, Any] = {"session_id": None, "client_id": str(uuid.uuid4()), "text": "echo:Hi"}
        session_id = first.command("message.send", **command)["session_id"]
        first.wait_for("run.completed")

        def look(_: int) -> Client:
            client = opened.enter_context(Client(running.url))
            client.hello(visitor.token)
            client.command("session.open", session_id=session_id, revision=0, holds=[])
            return client

        with gevent.Timeout(TIME_S):
            viewers = list(Pool(AT_ONCE).imap(look, range(SOCKETS)))
        for _ in polls(5):
            if {state for (state,) in postgres_server.query(states, database_of(postgres_url))} == {"idle"}:
                break
        held = postgres_server.query(states, database_of(postgres_url))
        assert [viewer.closed for viewer in viewers] == [None] * SOCKETS
    assert {state for (state,) in held} == {"idle"}
    assert len(held) <= POOL_SIZE
