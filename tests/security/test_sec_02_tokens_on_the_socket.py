"""Check 2: a socket believes one thing, the access token in its first `hello`; and no log line holds a token."""

from contextlib import closing
from typing import Any

import pytest

from tests.security.conftest import MakeHouse
from tests.security.houses import Browser, House
from tests.security.raw import ask
from tests.support.ws_client import Client, CommandFailed

HELLO_TIMEOUT_S = 1.0


@pytest.fixture(scope="module")
def brisk(make_house: MakeHouse) -> House:
    """A server that waits a second for `hello`; that it is ten by default is measured with the slow clients."""
    settings = {"HELLO_TIMEOUT_S": str(HELLO_TIMEOUT_S), "LOG_LEVEL": "debug"}
    return make_house(**settings)


@pytest.fixture(scope="module")
def person(brisk: House) -> Browser:
    return brisk.browser().sign_up()


def code_of(socket: Client, kind: str, **fields: Any) -> str:
    """The error that a command is answered with."""
    with pytest.raises(CommandFailed) as caught:
        socket.command(kind, **fields)
    return str(caught.value.code)


def test_sec_02_a_token_in_the_address_or_a_cookie_proves_nothing(brisk: House, person: Browser) -> None:
    cookies = f"zgpt_refresh={person.refresh_token}; access_token={person.token}"
    headers = {"Cookie": cookies, "Authorization": f"Bearer {person.token}", "Sec-WebSocket-Protocol": person.token}
    path = f"/ws?token={person.token}&access_token={person.token}"
    with closing(Client(brisk.server.url, path=path, origin=brisk.server.url, headers=headers).connect()) as socket:
        assert code_of(socket, "ping") == "unauthorized"
        assert socket.wait_closed(HELLO_TIMEOUT_S + 3).code == 4003


def test_sec_02_a_refresh_token_is_no_hello(brisk: House, person: Browser) -> None:
    with closing(Client(brisk.server.url).connect()) as socket:
        assert code_of(socket, "hello", token=person.refresh_token) == "unauthorized"
        assert code_of(socket, "hello", token=f"Bearer {person.token}") == "unauthorized"
        assert code_of(socket, "hello", token="") == "unauthorized"
        assert code_of(socket, "ping") == "unauthorized"


def test_sec_02_a_second_hello_changes_nothing(brisk: House, person: Browser) -> None:
    other = brisk.browser().sign_up()
    with closing(Client(brisk.server.url).connect()) as socket:
        mine = socket.hello(person.token)["user"]["id"]
        assert code_of(socket, "hello", token=other.token) == "conflict"
        assert code_of(socket, "auth.refresh", token=other.token) == "unauthorized"
        theirs = other.ask("POST", "/api/v1/sessions", {}).json["id"]
        assert code_of(socket, "session.open", session_id=theirs) == "not_found"
        own = person.ask("POST", "/api/v1/sessions", {}).json["id"]
        assert socket.command("session.open", session_id=own)["session"]["id"] == own
        assert person.ask("GET", "/api/v1/auth/me").json["id"] == mine


def test_sec_02_commands_before_hello_do_not_hold_a_socket_open(brisk: House) -> None:
    with closing(Client(brisk.server.url).connect()) as socket:
        for _ in range(5):
            assert code_of(socket, "ping") == "unauthorized"
        assert socket.wait_closed(HELLO_TIMEOUT_S + 3).code == 4003


def test_sec_02_a_token_in_the_address_is_none_for_the_api(brisk: House, person: Browser) -> None:
    for name in ("token", "access_token", "jwt"):
        assert ask(brisk.server, f"/api/v1/auth/me?{name}={person.token}").status == 401
    assert ask(brisk.server, "/api/v1/auth/me", Cookie=f"access_token={person.token}").status == 401


def test_sec_02_the_logs_hold_no_token(brisk: House, person: Browser) -> None:
    # Runs last: everything above has been logged, at the level that tells most.
    ask(brisk.server, f"/nowhere?token={person.token}", Referer=f"{brisk.server.url}/?t={person.token}")
    ask(brisk.server, f"/{person.token[:900]}")
    log = brisk.server.log.read_text()
    assert "/nowhere" in log
    assert person.token not in log
    assert person.token.rpartition(".")[2] not in log
    assert person.refresh_token not in log
