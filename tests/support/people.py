"""People who use the app in tests: an account, its client and its access token."""

import uuid
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in user of an app under test; the client keeps their refresh cookie."""

    id: str
    email: str
    password: str
    access_token: str
    client: FlaskClient

    @property
    def headers(self) -> dict[str, str]:
        """What a request of this person carries."""
        return {"Authorization": f"Bearer {self.access_token}"}


def sign_up(app: Flask, email: str | None = None) -> Person:
    """Make an account through the REST API, as a new person does."""
    email = email or f"{uuid.uuid4().hex[:12]}@example.org"
    client = app.test_client()
    account = {"email": email, "password": PASSWORD, "name": "Ada"}
    answer = client.post("/api/v1/auth/signup", json=account)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    body = answer.get_json()
    return Person(body["user"]["id"], email, PASSWORD, body["access_token"], client)
