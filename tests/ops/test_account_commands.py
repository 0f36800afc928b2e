"""What an operator does to an account from the command line."""

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from tests.auth.factors import enrol
from tests.auth.recorder import Recorder
from tests.auth.support import AUTH, audit_kinds, sign_in
from tests.support.people import Person, sign_up

NEW = "seven quiet otters sing"
SITE = "https://chat.example.org"


@pytest.fixture
def app(make_app: Callable[..., Flask], db_url: str) -> Flask:
    return make_app(DATABASE_URL=db_url, PUBLIC_URL=SITE)


def flask(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words))


def me(person: Person) -> int:
    return person.client.get(f"{AUTH}/me", headers=person.headers).status_code


def test_an_account_is_shut_out_at_once_and_let_in_again(app: Flask) -> None:
    person, recorder = sign_up(app), Recorder(app)
    assert flask(app, "user", "disable", person.email.upper()).exit_code == 0
    assert (person.id, None, 4501) in recorder.revoked
    assert me(person) == 401
    assert sign_in(app.test_client(), person.email).data == sign_in(app.test_client(), "nobody@example.org").data
    assert flask(app, "user", "enable", person.email).exit_code == 0
    assert me(person) == 401
    assert sign_in(app.test_client(), person.email).status_code == 200
    assert audit_kinds(app, person.id) == ["signed_up", "account_disabled", "account_enabled", "signed_in"]


def test_a_role_binds_the_next_request_and_sends_sockets_away_to_fetch_it(app: Flask) -> None:
    person, recorder = sign_up(app), Recorder(app)
    assert flask(app, "user", "role", person.email, "admin").exit_code == 0
    assert person.client.get(f"{AUTH}/me", headers=person.headers).get_json()["role"] == "admin"
    assert flask(app, "user", "role", person.email, "member").exit_code == 0
    assert person.client.get(f"{AUTH}/me", headers=person.headers).get_json()["role"] == "member"
    assert recorder.revoked == [(person.id, None, 4000)] * 2
    assert flask(app, "user", "role", person.email, "member").exit_code == 0
    assert len(recorder.revoked) == 2


def test_without_mail_the_operator_hands_the_link_over(app: Flask) -> None:
    person = sign_up(app)
    printed = flask(app, "password-reset", person.email)
    assert printed.output.startswith(f"{SITE}/#reset=")
    body = {"token": printed.output.strip().partition("=")[2], "new_password": NEW}
    assert app.test_client().post(f"{AUTH}/password/reset", json=body).status_code == 204
    assert (me(person), sign_in(app.test_client(), person.email, NEW).status_code) == (401, 200)


def test_without_a_public_address_there_is_no_link(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    result = flask(app, "password-reset", sign_up(app).email)
    assert result.exit_code == 1
    assert "PUBLIC_URL" in result.output


def test_an_e_mail_is_changed_without_a_letter(app: Flask) -> None:
    person, other = sign_up(app), sign_up(app)
    assert "new e-mail" in flask(app, "user", "email", person.email, other.email).output
    assert flask(app, "user", "email", person.email, "Lovelace@example.org").exit_code == 0
    assert sign_in(app.test_client(), "lovelace@example.org").status_code == 200


def test_a_lost_second_factor_is_taken_away(app: Flask) -> None:
    person = sign_up(app)
    enrol(person)
    assert flask(app, "user", "second-factor-off", person.email).exit_code == 0
    assert sign_in(app.test_client(), person.email).status_code == 200


@pytest.mark.parametrize(
    "words",
    [
        ("user", "disable"), ("user", "enable"), ("user", "role"), ("user", "email"), ("user", "second-factor-off"),
        ("password-reset",),
    ],
)  # fmt: skip
def test_an_unknown_e_mail_is_told_in_words(app: Flask, words: tuple[str, ...]) -> None:
    more = {"role": ("admin",), "email": ("x@example.org",)}.get(words[-1], ())
    result = flask(app, *words, "nobody@example.org", *more)
    assert result.exit_code == 1
    assert "there is no account with this e-mail" in result.output
