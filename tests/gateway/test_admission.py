"""More sockets than are wanted, at a real server: of one person, one address, nobody in particular, all together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any

import pytest

from tests.conftest import MakeServer
from tests.support.processes import polls
from tests.support.server import Server
from tests.support.visitor import Visitor, visit
from tests.support.web import fetched
from tests.support.ws_client import Client, CommandFailed, HandshakeRefused

Json = dict[str, Any]
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.fixture
def opened() -> Iterator[Callable[[Client], Client]]:
    """Close at the end what a test opened."""
    with ExitStack() as stack:
        yield stack.enter_context


def at(server: Server, address: str = "", visitor: Visitor | None = None) -> Client:
    client = Client(server.url, headers={"X-Forwarded-For": address} if address else {}).connect()
    if visitor:
        client.say_hello(visitor.token)
    return client


def refused(server: Server, address: str = "") -> Json:
    """The problem that a handshake is refused with."""
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("GET", "/ws", headers={**UPGRADE, "X-Forwarded-For": address})
        answer = connection.getresponse()
        problem: Json = json.loads(answer.read())
    assert (answer.status, answer.getheader("Retry-After")) == (503, str(problem["retry_after_ms"] // 1_000))
    return problem


def refusals(server: Server, limit: str) -> float:
    with fetched(server.url + "/metrics", 5) as answer:
        lines = answer.read().decode().splitlines()
    found = [line for line in lines if line.startswith(f'zgpt_refused_total{{limit="{limit}"}}')]
    return float(found[0].split()[-1]) if found else 0.0


def eventually(attempt: Callable[[], Client]) -> Client:
    """Again until it is let in: the place of who left is free a moment later."""
    for _ in polls(5):
        try:
            return attempt()
        except (HandshakeRefused, CommandFailed):
            continue
    raise TimeoutError("no place got free")


def test_one_address_gets_its_share_and_another_one_is_not_concerned(
    server: MakeServer, opened: Callable[[Client], Client]
) -> None:
    running = server(TRUSTED_PROXIES="1", MAX_CONNECTIONS_PER_IP="3")
    held = [opened(at(running, "2001:db8:1:2::5")) for _ in range(3)]
    assert refused(running, "2001:db8:1:2:ffff::1")["code"] == "unavailable"
    opened(at(running, "2001:db8:1:3::5"))
    opened(at(running, "192.0.2.7"))
    held[0].close()
    opened(eventually(lambda: at(running, "2001:db8:1:2::9")))
    assert refusals(running, "address") >= 1


def test_who_comes_from_the_machine_itself_is_not_counted_as_one_address(
    server: MakeServer, opened: Callable[[Client], Client]
) -> None:
    running = server(MAX_CONNECTIONS_PER_IP="2")
    assert [opened(at(running)).closed for _ in range(5)] == [None] * 5


def test_one_person_gets_a_number_of_connections_and_the_next_is_told_when_to_come_back(
    server: MakeServer, opened: Callable[[Client], Client]
) -> None:
    running = server(MAX_CONNECTIONS_PER_USER="2")
    ada, bob = visit(running.url), visit(running.url)
    held = [opened(at(running, visitor=ada)) for _ in range(2)]
    client = opened(at(running))
    with pytest.raises(CommandFailed) as fault:
        client.hello(ada.token)
    assert (fault.value.code, fault.value.frame["retryable"]) == ("unavailable", True)
    end = client.wait_closed()
    assert (end.code, json.loads(end.reason)) == (1013, {"retry_after_ms": fault.value.frame["retry_after_ms"]})
    opened(at(running, visitor=bob))
    held[0].close()
    opened(eventually(lambda: at(running, visitor=ada)))
    assert refusals(running, "user") >= 1


def test_those_who_do_not_say_who_they_are_keep_nobody_out_for_long(
    server: MakeServer, opened: Callable[[Client], Client]
) -> None:
    running = server(MAX_CONNECTIONS_WITHOUT_HELLO="3", HELLO_TIMEOUT_S="1")
    visitor = visit(running.url)
    known = [opened(at(running, visitor=visitor)) for _ in range(5)]
    silent = [opened(at(running)) for _ in range(3)]
    assert refused(running)["retryable"] is True
    assert [client.wait_closed(4).code for client in silent] == [4003] * 3
    opened(eventually(lambda: at(running, visitor=visitor)))
    assert [client.closed for client in known] == [None] * 5
    assert refusals(running, "hello") >= 1


def test_a_full_process_refuses_the_handshake_with_the_time_to_come_back(
    server: MakeServer, opened: Callable[[Client], Client]
) -> None:
    running = server(MAX_CONNECTIONS="2")
    for _ in range(2):
        opened(at(running))
    problem = refused(running)
    assert (problem["code"], problem["retryable"]) == ("unavailable", True)
    assert refusals(running, "connections") == 1
