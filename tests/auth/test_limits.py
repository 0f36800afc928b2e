"""How often somebody may try: by address, by e-mail, and never so that a stranger locks a person out."""

from flask import Flask
from werkzeug.test import TestResponse

from tests.auth.support import AUTH, sign_in
from tests.conftest import MakeApp, SignedIn
from tests.support.people import PASSWORD


def _from(app: Flask, address: str, email: str, password: str = "wrong password") -> TestResponse:
    body = {"email": email, "password": password}
    return app.test_client().post(f"{AUTH}/login", json=body, environ_base={"REMOTE_ADDR": address})


def test_sec_16_one_address_has_a_few_tries(make_app: MakeApp) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    answers = [_from(app, "192.0.2.1", f"user{n}@example.org") for n in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert int(answers[3].headers["Retry-After"]) > 0
    assert answers[3].get_json()["retryable"] is True
    assert _from(app, "192.0.2.2", "user0@example.org").status_code == 401


def test_sec_16_one_account_has_a_few_tries_from_all_addresses(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    email = signed_in(app=app).email
    statuses = [_from(app, f"192.0.2.{n}", email).status_code for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_sec_16_an_unknown_account_is_counted_in_the_same_way(make_app: MakeApp) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    statuses = [_from(app, f"192.0.2.{n}", "nobody@example.org").status_code for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_sec_16_a_known_device_is_not_locked_out_by_strangers(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    person = signed_in(app=app)
    person.client.post(f"{AUTH}/logout")
    while _from(app, "127.0.0.1", person.email).status_code != 429:
        pass
    assert sign_in(app.test_client(), person.email).status_code == 429
    assert sign_in(person.client, person.email).status_code == 200


def test_sec_16_a_known_device_has_a_few_tries_too(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    person = signed_in(app=app)
    statuses = [sign_in(person.client, person.email, "wrong password").status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]


def test_sec_16_a_device_is_known_for_its_own_e_mail_only(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    thief, victim = signed_in(app=app), signed_in(app=app)
    statuses = [sign_in(thief.client, victim.email, "wrong password").status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    assert sign_in(thief.client, thief.email).status_code == 200


def test_sign_ups_of_an_address_are_limited(make_app: MakeApp) -> None:
    app = make_app(LIMIT_SIGNUP="2 per hour")
    client = app.test_client()
    accounts = [{"email": f"user{n}@example.org", "password": PASSWORD} for n in range(3)]
    answers = [client.post(f"{AUTH}/signup", json=account) for account in accounts]
    assert [answer.status_code for answer in answers] == [201, 201, 429]


def test_guesses_with_a_stolen_access_token_are_limited(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    person = signed_in(app=app)
    body = {"password": "wrong password"}
    statuses = [person.client.delete(f"{AUTH}/me", json=body, headers=person.headers).status_code for _ in range(4)]
    assert statuses == [403, 403, 403, 429]
