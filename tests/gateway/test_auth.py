"""Who may speak, and for how long: hello, expiry, refresh, and the end of a login."""

from collections.abc import Callable
from contextvars import Context

import gevent
import pytest

from tests.gateway.conftest import Desk
from tests.support.people import Person, sign_up
from zgpt.auth import access
from zgpt.auth.models import User
from zgpt.auth.tokens import Claim
from zgpt.core import clock
from zgpt.gateway import commands
from zgpt.gateway.handler import AUTH_GRACE_S
from zgpt.realtime import close_codes
from zgpt.realtime.protocol import SessionDeleted, encode_event

LIFE_S = 900
NEWS = encode_event(SessionDeleted("0190b3a4-0000-7000-8000-000000000001", 7))


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


class Meanwhile:
    """Does something, once, while `hello` looks at the login: before the look, or after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], *, before: bool) -> None:
        self._real, self._act, self._before = access.confirm, act, before
        monkeypatch.setattr(commands, "confirm", self)

    def __call__(self, claim: Claim) -> User:
        if self._before:
            Context().run(self._act)
        user = self._real(claim)
        if not self._before:
            Context().run(self._act)
        return user


def _sign_out(person: Person) -> None:
    """With a session of the database of its own, as a request beside this command has it."""
    headers = {**person.headers, "Origin": "http://localhost"}
    assert person.client.post("/api/v1/auth/logout", headers=headers).status_code == 204


def test_a_login_that_ends_before_it_is_looked_at_is_not_let_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The revocation runs when the token has been read, where no broker reaches the connection yet."""
    person = desk.chat.person

    def read(token: str) -> Claim:
        Context().run(_sign_out, person)
        return access.read_claim(token)

    monkeypatch.setattr(commands, "read_claim", read)
    assert desk.socket().ask("hello", token=person.access_token)["code"] == "unauthorized"
    assert desk.chat.hub._members == desk.chat.hub._expected == {}


@pytest.mark.parametrize("before", [True, False])
def test_a_login_that_ends_while_it_is_looked_at_is_closed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    """After the look no other would find it: the revocation must reach who is still saying hello."""
    person, socket = desk.chat.person, desk.socket()
    Meanwhile(monkeypatch, lambda: _sign_out(person), before=before)
    socket.send("hello", token=person.access_token)
    with gevent.Timeout(10):
        while not socket.closed_with or desk.chat.hub._members:
            gevent.sleep(0.002)
    assert (socket.closed_with, socket.types, desk.chat.hub._expected) == (close_codes.LOGIN_ENDED, [], {})


@pytest.mark.parametrize("before", [True, False])
def test_what_happens_while_the_login_is_looked_at_is_told_to_who_is_let_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    person, socket = desk.chat.person, desk.socket()
    Meanwhile(monkeypatch, lambda: desk.chat.hub.event_published(person.id, None, NEWS), before=before)
    assert socket.ask("hello", token=person.access_token)["type"] == "ok"
    assert socket.types.count("session.deleted") == 1


def test_nothing_is_told_to_a_token_whose_login_has_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    person, socket = desk.chat.person, desk.socket()
    _sign_out(person)
    Meanwhile(monkeypatch, lambda: desk.chat.hub.event_published(person.id, None, NEWS), before=True)
    assert socket.ask("hello", token=person.access_token)["code"] == "unauthorized"
    assert socket.types == ["error"]
    assert desk.chat.hub.connections_of(person.id) == 0
