"""Who may speak, and for how long: hello, expiry, refresh, and the end of a login."""

from contextvars import Context

import gevent
import pytest

from tests.gateway.conftest import Desk
from tests.support.people import Person, sign_up
from zgpt.auth.tokens import verify_access
from zgpt.core import clock
from zgpt.gateway import commands
from zgpt.gateway.handler import AUTH_GRACE_S
from zgpt.realtime import close_codes

LIFE_S = 900


def _tick(desk: Desk, in_s: float) -> None:
    with clock.moved(in_s):
        desk.gateway.deadlines.tick()


def _fresh_token(person: Person, in_s: float = 0) -> str:
    with clock.moved(in_s):
        answer = person.client.post("/api/v1/auth/refresh", headers={"Origin": "http://localhost"})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(answer.get_json()["access_token"])


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 4096])
def test_a_token_that_is_none_is_unauthorized_and_the_connection_stays(desk: Desk, token: str) -> None:
    socket = desk.socket()
    error = socket.ask("hello", token=token)
    assert (error["code"], error["retryable"]) == ("unauthorized", False)
    assert desk.chat.hub._members == {}
    assert socket.ask("hello", token=desk.chat.person.access_token)["type"] == "ok"


def test_a_refresh_token_is_no_access_token(desk: Desk) -> None:
    cookie = desk.chat.person.client.get_cookie("zgpt_refresh", path="/api/v1/auth")
    assert cookie
    assert desk.socket().ask("hello", token=cookie.value)["code"] == "unauthorized"


def test_an_expired_token_says_no_hello(desk: Desk) -> None:
    with clock.moved(LIFE_S + 1):
        assert desk.socket().ask("hello", token=desk.chat.person.access_token)["code"] == "unauthorized"


def test_when_the_token_expires_the_client_is_told_and_has_a_grace(desk: Desk) -> None:
    socket = desk.connect()
    _tick(desk, LIFE_S - 5)
    assert "auth.expiring" not in socket.types
    _tick(desk, LIFE_S + 2)
    assert socket.event("auth.expiring") == {"type": "auth.expiring", "grace_s": AUTH_GRACE_S}
    assert socket.closed_with is None


def test_without_an_answer_in_the_grace_the_connection_closes(desk: Desk) -> None:
    socket = desk.connect()
    _tick(desk, LIFE_S + 2)
    _tick(desk, LIFE_S + AUTH_GRACE_S)
    assert socket.closed_with is None
    _tick(desk, LIFE_S + AUTH_GRACE_S + 5)
    assert socket.closed_with == close_codes.AUTH_EXPIRED
    assert not close_codes.is_final(close_codes.AUTH_EXPIRED)


def test_a_refresh_in_the_grace_goes_on_as_if_nothing_had_been(desk: Desk) -> None:
    socket = desk.connect()
    _tick(desk, LIFE_S + 2)
    token = _fresh_token(desk.chat.person, LIFE_S + 3)
    with clock.moved(LIFE_S + 3):
        assert socket.ask("auth.refresh", token=token) == {"type": "ok", "id": socket.seen[-1]["id"], "result": {}}
    _tick(desk, LIFE_S + AUTH_GRACE_S + 5)
    assert socket.closed_with is None
    _tick(desk, 2 * LIFE_S + 10)
    assert socket.types.count("auth.expiring") == 2


def test_a_refresh_with_an_expired_token_does_not_prolong(desk: Desk) -> None:
    socket = desk.connect()
    _tick(desk, LIFE_S + 2)
    with clock.moved(LIFE_S + 3):
        assert socket.ask("auth.refresh", token=desk.chat.person.access_token)["code"] == "unauthorized"
    _tick(desk, LIFE_S + AUTH_GRACE_S + 5)
    assert socket.closed_with == close_codes.AUTH_EXPIRED


def test_a_connection_cannot_be_refreshed_for_somebody_else_or_another_login(desk: Desk) -> None:
    person = desk.chat.person
    login = {"email": person.email, "password": person.password}
    other_login = desk.chat.app.test_client().post("/api/v1/auth/login", json=login).get_json()["access_token"]
    socket = desk.connect()
    for token in (sign_up(desk.chat.app).access_token, other_login):
        assert socket.ask("auth.refresh", token=token)["code"] == "unauthorized"
    assert socket.closed_with is None


def test_signing_out_closes_that_logins_connections_and_no_others(desk: Desk) -> None:
    person = desk.chat.person
    login = {"email": person.email, "password": person.password}
    other_login = desk.chat.app.test_client().post("/api/v1/auth/login", json=login).get_json()["access_token"]
    here, there = desk.connect(), desk.connect(other_login)
    answer = person.client.post("/api/v1/auth/logout", headers={**person.headers, "Origin": "http://localhost"})
    assert answer.status_code == 204, answer.get_data(as_text=True)
    gevent.sleep(0)
    assert (here.closed_with, there.closed_with) == (close_codes.LOGIN_ENDED, None)
    assert desk.socket().ask("hello", token=person.access_token)["code"] == "unauthorized"


def test_a_login_that_ends_while_hello_is_said_is_not_let_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The revocation may run between the check of the token and the joining, where no broker reaches the connection."""
    person, real, calls = desk.chat.person, verify_access, list[str]()
    headers = {**person.headers, "Origin": "http://localhost"}

    def ends_after_the_first_check(token: str) -> object:
        identity = real(token)
        if not calls:
            calls.append(token)
            # With a session of the database of its own, as a request beside this command has it.
            Context().run(lambda: person.client.post("/api/v1/auth/logout", headers=headers))
        return identity

    monkeypatch.setattr(commands, "verify", ends_after_the_first_check)
    assert desk.socket().ask("hello", token=person.access_token)["code"] == "unauthorized"
    assert desk.chat.hub._members == {}
