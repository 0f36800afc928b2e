"""A password that is changed while it is being checked: what it was to open stays shut, whoever was faster."""

from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
import psycopg
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.auth.factors import challenge_of, enrol, second
from tests.auth.support import AUTH, at_once, sign_in
from tests.conftest import MakeApp, SignedIn
from tests.support.people import Person
from tests.support.processes import polls
from zgpt.auth import passwords, sign_in_actions

NEW = "seven quiet otters sing"


@pytest.fixture
def on_both(make_app: MakeApp, db_url: str) -> Flask:
    return make_app(DATABASE_URL=db_url)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something done right after the next password was found to be right."""

    def plan(act: Callable[[], object]) -> None:
        real, acts = passwords.is_password, [act]

        def checked(password: str, stored: str | None) -> bool:
            is_right = real(password, stored)
            if is_right and acts:
                acts.pop()()
            return is_right

        monkeypatch.setattr(passwords, "is_password", checked)

    return plan


Meanwhile = Callable[[Callable[[], object]], None]


def change(person: Person) -> None:
    body = {"current_password": person.password, "new_password": NEW}
    answer = person.client.post(f"{AUTH}/password", json=body, headers=person.headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)


def post(app: Flask, person: Person, path: str, body: dict[str, Any]) -> TestResponse:
    """From another browser of the same login."""
    return app.test_client().post(f"{AUTH}/{path}", json=body, headers=person.headers)


def test_a_password_that_is_changed_meanwhile_signs_nobody_in(
    on_both: Flask, signed_in: SignedIn, meanwhile: Meanwhile
) -> None:
    person = signed_in(app=on_both)
    meanwhile(partial(change, person))
    late = sign_in(on_both.test_client(), person.email)
    assert (late.status_code, late.get_json()["code"]) == (401, "bad_credentials")


def test_a_password_whose_hash_is_made_anew_signs_all_in_who_come_at_once(
    make_app: MakeApp, signed_in: SignedIn, db_url: str
) -> None:
    person = signed_in(app=make_app(DATABASE_URL=db_url))
    stronger = make_app(DATABASE_URL=db_url, BCRYPT_COST="5")
    answers = at_once(partial(sign_in, stronger.test_client(), person.email) for _ in range(4))
    assert {answer.status_code for answer in answers} == {200}


def test_a_password_that_is_changed_meanwhile_makes_no_key(
    on_both: Flask, signed_in: SignedIn, meanwhile: Meanwhile
) -> None:
    person = signed_in(app=on_both)
    meanwhile(partial(change, person))
    body = {"name": "a program", "scopes": ["chat"], "password": person.password}
    assert post(on_both, person, "keys", body).status_code == 409


def test_of_two_changes_at_once_one_counts(on_both: Flask, signed_in: SignedIn, meanwhile: Meanwhile) -> None:
    person = signed_in(app=on_both)
    meanwhile(partial(change, person))
    body = {"current_password": person.password, "new_password": "nine loud herons dance"}
    assert post(on_both, person, "password", body).status_code == 409
    assert sign_in(on_both.test_client(), person.email, NEW).status_code == 200


def test_a_code_that_comes_after_the_change_signs_nobody_in(
    on_both: Flask, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = signed_in(app=on_both)
    phone, _ = enrol(person)
    client, challenge = challenge_of(on_both, person)
    # Between the look at the challenge and the transaction that uses the code.
    monkeypatch.setattr(sign_in_actions, "hit", lambda *_: change(person))
    late = second(client, challenge, phone.code())
    assert (late.status_code, late.get_json()["code"]) == (401, "challenge_expired")


@pytest.mark.parametrize("by_code", [False, True])
def test_a_sign_in_waits_for_a_reset_under_way_and_then_loses(
    make_app: MakeApp, signed_in: SignedIn, postgres_url: str, *, by_code: bool
) -> None:
    app = make_app(DATABASE_URL=postgres_url)
    person = signed_in(app=app)
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as other:
        if by_code:
            phone, _ = enrol(person)
            late = partial(second, *challenge_of(app, person), phone.code())
        else:
            late = partial(sign_in, app.test_client(), person.email)
        # As another process begins a reset, and goes on with: the logins that are there end, the links are void.
        other.execute("UPDATE users SET password_hash = 'another' WHERE id = %s", (person.id,))
        other.execute("UPDATE logins SET revoked_at = now() WHERE user_id = %s", (person.id,))
        trying = gevent.spawn(late)
        _wait_for_lock(postgres_url)
        other.execute("DELETE FROM tickets WHERE user_id = %s", (person.id,))
        other.commit()
        assert trying.get(timeout=10).status_code == 401
        assert other.execute("SELECT count(*) FROM logins WHERE revoked_at IS NULL").fetchone() == (0,)


def _wait_for_lock(url: str) -> None:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as watcher:
        for _ in polls(10):
            if watcher.execute(waiting).fetchone():
                return
    raise AssertionError("nobody waits for the account")
