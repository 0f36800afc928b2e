"""One password on many accounts: noticed, audited, refused, and nobody locked out of their own browser."""

from flask import Flask
from werkzeug.test import TestResponse

from tests.auth.support import AUTH, audit_kinds, sign_in
from tests.conftest import SignedIn
from tests.support.people import PASSWORD
from zgpt.core import clock


def spray(app: Flask, number: int, password: str) -> TestResponse:
    """One try of a botnet: another address and another account each time."""
    body = {"email": f"user{number}@example.org", "password": password}
    address = {"REMOTE_ADDR": f"192.0.2.{number}"}
    return app.test_client().post(f"{AUTH}/login", json=body, environ_base=address)


def test_sec_16_one_password_on_200_accounts_is_noticed_and_refused(app: Flask, signed_in: SignedIn) -> None:
    victim = signed_in()
    statuses = [spray(app, number, PASSWORD).status_code for number in range(200)]
    assert statuses[:21] == [401] * 21
    assert set(statuses[21:]) == {429}
    assert audit_kinds(app, None).count("password_sprayed") == 1
    hit = sign_in(app.test_client(), victim.email)
    assert (hit.status_code, hit.get_json()["code"]) == (429, "rate_limited")
    assert int(hit.headers["Retry-After"]) > 0
    assert sign_in(victim.client, victim.email).status_code == 200


def test_an_hour_later_the_password_is_one_like_others(app: Flask, signed_in: SignedIn) -> None:
    victim = signed_in()
    for number in range(22):
        spray(app, number, PASSWORD)
    assert sign_in(app.test_client(), victim.email).status_code == 429
    with clock.moved(3_601):
        assert sign_in(app.test_client(), victim.email).status_code == 200


def test_many_wrong_tries_on_one_account_are_not_spraying(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    for _ in range(30):
        sign_in(app.test_client(), person.email, "forgotten otter")
    other = signed_in()
    assert sign_in(app.test_client(), other.email, "forgotten otter").status_code == 401
    assert "password_sprayed" not in audit_kinds(app, None)
