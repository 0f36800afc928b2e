"""Looks into accounts of an app under test: rows, cookies and claims. No test stands here."""

from collections.abc import Callable, Iterable
from http.cookies import SimpleCookie
from typing import Any

import gevent
import jwt
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.support.people import PASSWORD, Person
from zgpt.auth.models import Login
from zgpt.core.db import db
from zgpt.core.models import AuditEvent

AUTH = "/api/v1/auth"
REFRESH = "zgpt_refresh"


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, **headers: str) -> TestResponse:
    return client.post(f"{AUTH}/login", json={"email": email, "password": password}, headers=headers)


def refresh(app: Flask, token: str, **headers: str) -> TestResponse:
    """Use a refresh token from a browser that has nothing else."""
    client = app.test_client(use_cookies=False)
    return client.post(f"{AUTH}/refresh", headers={"Cookie": f"{REFRESH}={token}", **headers})


def token_of(client: FlaskClient) -> str:
    """The refresh token that the client's cookie jar holds."""
    cookie = client.get_cookie(REFRESH, path=AUTH)
    assert cookie is not None
    return cookie.value


def set_cookies(answer: TestResponse) -> SimpleCookie:
    jar = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        jar.load(line)
    return jar


def claims_of(access_token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    return claims


def login_id_of(person: Person) -> str:
    return str(claims_of(person.access_token)["lid"])


def stored_login(app: Flask, login_id: str) -> Login:
    with app.app_context():
        return db.session.get_one(Login, login_id)


def at_once(calls: Iterable[Callable[[], TestResponse]]) -> list[TestResponse]:
    """The answers of requests that are all under way together."""
    tasks = [gevent.spawn(call) for call in calls]
    gevent.joinall(tasks, timeout=30, raise_error=True)
    return [task.get() for task in tasks]


def audit_kinds(app: Flask, user_id: str | None) -> list[str]:
    with app.app_context():
        mine = select(AuditEvent.kind).where(AuditEvent.user_id == user_id)
        return list(db.session.scalars(mine.order_by(AuditEvent.id)))
