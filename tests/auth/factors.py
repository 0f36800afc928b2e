"""A person with a second factor, and the app on their phone."""

import base64

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.auth.support import AUTH
from tests.support.people import Person
from zgpt.auth import totp
from zgpt.core import clock


class Phone:
    """An authenticator app with one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = base64.b32decode(secret)

    def code(self, steps: int = 0) -> str:
        """The code of now, or of some steps away from it."""
        return totp.code_at(self._secret, clock.now_ms() // 30_000 + steps)


def enrol(person: Person) -> tuple[Phone, list[str]]:
    """Turn the second factor on; the phone, and the recovery codes. Uses up the code of the step before."""
    begun = person.client.post(f"{AUTH}/second-factor", json={"password": person.password}, headers=person.headers)
    assert begun.status_code == 200, begun.get_data(as_text=True)
    phone = Phone(begun.get_json()["secret"])
    confirmed = confirm(person, phone.code(-1))
    assert confirmed.status_code == 200, confirmed.get_data(as_text=True)
    return phone, confirmed.get_json()["recovery_codes"]


def confirm(person: Person, code: str) -> TestResponse:
    return person.client.post(f"{AUTH}/second-factor/confirm", json={"code": code}, headers=person.headers)


def challenge_of(app: Flask, person: Person) -> tuple[FlaskClient, str]:
    """A browser in which the password was right, and what it was given."""
    client = app.test_client()
    answer = client.post(f"{AUTH}/login", json={"email": person.email, "password": person.password})
    assert answer.status_code == 202, answer.get_data(as_text=True)
    assert set(answer.get_json()) == {"challenge", "expires_in"}
    assert not answer.headers.getlist("Set-Cookie")
    return client, answer.get_json()["challenge"]


def second(client: FlaskClient, challenge: str, code: str, **headers: str) -> TestResponse:
    return client.post(f"{AUTH}/login/second", json={"challenge": challenge, "code": code}, headers=headers)
