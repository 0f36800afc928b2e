"""API keys: what they open, what they never open, and their end."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from flask import Flask

from tests.auth.recorder import Recorder
from tests.auth.support import AUTH, audit_kinds, login_id_of
from tests.conftest import MakeApp, SignedIn
from tests.support.people import Person
from zgpt.auth import keys, queries
from zgpt.auth.models import ApiKey
from zgpt.core import clock
from zgpt.core.db import db
from zgpt.core.openapi import operation_of

OPEN_TO_KEYS = {
    ("GET", "/api/v1/sessions"): "read",
    ("POST", "/api/v1/sessions"): "chat",
    ("GET", "/api/v1/sessions/<session_id>"): "read",
    ("PATCH", "/api/v1/sessions/<session_id>"): "chat",
    ("DELETE", "/api/v1/sessions/<session_id>"): "chat",
    ("GET", "/api/v1/sessions/<session_id>/messages"): "read",
    ("POST", "/api/v1/sessions/<session_id>/messages"): "chat",
    ("GET", "/api/v1/sessions/<session_id>/changes"): "read",
    ("POST", "/api/v1/messages"): "chat",
    ("POST", "/api/v1/messages/<message_id>/edit"): "chat",
    ("POST", "/api/v1/messages/<message_id>/regenerate"): "chat",
    ("GET", "/api/v1/runs/<run_id>"): "read",
    ("GET", "/api/v1/runs/<run_id>/events"): "read",
    ("POST", "/api/v1/runs/<run_id>/stop"): "chat",
    ("GET", "/api/v1/usage"): "read",
}


def make_key(person: Person, *scopes: str, **fields: Any) -> dict[str, Any]:
    body = {"name": "a program", "scopes": list(scopes), "password": person.password, **fields}
    answer = person.client.post(f"{AUTH}/keys", json=body, headers=person.headers)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made: dict[str, Any] = answer.get_json()
    return made


def bearer(made: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['key']}"}


def status(app: Flask, made: dict[str, Any], path: str = "/api/v1/sessions") -> int:
    return app.test_client().get(path, headers=bearer(made)).status_code


@pytest.mark.parametrize("scope", keys.SCOPES)
def test_sec_21_every_route_is_closed_to_keys_but_those_that_name_their_scope(
    app: Flask, signed_in: SignedIn, scope: str
) -> None:
    made = make_key(signed_in(), scope)
    refused = {}
    for rule in app.url_map.iter_rules():
        spec = operation_of(app.view_functions[rule.endpoint])
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if spec and spec.auth == "bearer":
                answer = app.test_client().open(
                    rule.rule.translate({60: None, 62: None}), method=method, headers=bearer(made)
                )
                code = (answer.get_json(silent=True) or {}).get("code")
                refused[method, rule.rule] = code if code in {"needs_sign_in", "scope_missing"} else None
    assert {route for route, code in refused.items() if code != "needs_sign_in"} == set(OPEN_TO_KEYS)
    lacking = {route for route, code in refused.items() if code == "scope_missing"}
    assert lacking == (
        {route for route, needed in OPEN_TO_KEYS.items() if needed == "chat"} if scope == "read" else set()
    )


def test_a_key_is_shown_once_and_kept_as_a_hash(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    made = make_key(person, "read", "chat")
    assert made["key"].startswith("zgpt_")
    assert made["key"].startswith(made["start"])
    listed = person.client.get(f"{AUTH}/keys", headers=person.headers).get_json()["items"]
    assert listed == [{name: value for name, value in made.items() if name != "key"}]
    with app.app_context():
        row = db.session.get_one(ApiKey, made["id"])
        assert made["key"] not in {str(value) for value in vars(row).values()}
        assert row.key_hash == keys.hash_of(made["key"])
    assert audit_kinds(app, person.id) == ["signed_up", "key_made"]


def test_a_key_opens_its_owners_sessions_and_no_others(app: Flask, signed_in: SignedIn) -> None:
    owner, other = signed_in(), signed_in()
    made = make_key(owner, "chat")
    session = app.test_client().post("/api/v1/sessions", json={"title": "By program"}, headers=bearer(made))
    assert session.status_code == 201
    theirs = other.client.post("/api/v1/sessions", json={"title": "Mine"}, headers=other.headers).get_json()
    listed = app.test_client().get("/api/v1/sessions", headers=bearer(made)).get_json()["items"]
    assert [one["title"] for one in listed] == ["By program"]
    assert status(app, made, f"/api/v1/sessions/{theirs['id']}") == 404


def test_a_key_that_was_revoked_or_has_expired_opens_nothing(
    app: Flask, signed_in: SignedIn, recorder: Recorder
) -> None:
    person = signed_in()
    short, long = make_key(person, "read", expires_in_days=1), make_key(person, "read")
    assert person.client.delete(f"{AUTH}/keys/{long['id']}", headers=person.headers).status_code == 204
    assert (status(app, short), status(app, long)) == (200, 401)
    assert recorder.revoked == [(person.id, long["id"], 4501)]
    with clock.moved(86_401):
        assert status(app, short) == 401


def test_another_persons_key_cannot_be_seen_or_ended(app: Flask, signed_in: SignedIn) -> None:
    owner, other = signed_in(), signed_in()
    made = make_key(owner, "read")
    assert other.client.get(f"{AUTH}/keys", headers=other.headers).get_json() == {"items": []}
    assert other.client.delete(f"{AUTH}/keys/{made['id']}", headers=other.headers).status_code == 404
    assert other.client.delete(f"{AUTH}/keys/nonsense", headers=other.headers).status_code == 404
    assert status(app, made) == 200


@pytest.mark.parametrize("key", ["zgpt_", "zgpt_nonsense", "zgpt_" + "x" * 43, "zgpt_" + "x" * 5000])
def test_a_made_up_key_is_like_any_wrong_token(app: Flask, key: str) -> None:
    answer = app.test_client().get("/api/v1/sessions", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthorized")


def test_the_last_use_is_noted_once_an_hour(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    made = make_key(person, "read")

    def last_used() -> str | None:
        (item,) = person.client.get(f"{AUTH}/keys", headers=person.headers).get_json()["items"]
        used: str | None = item["last_used_at"]
        return used

    assert last_used() is None
    assert status(app, made) == 200
    first = last_used()
    assert status(app, made) == 200
    assert last_used() == first is not None
    with clock.moved(3_601):
        assert status(app, made) == 200
    assert last_used() != first


def test_a_key_takes_the_password_a_name_and_scopes_that_exist(signed_in: SignedIn) -> None:
    person = signed_in()
    good = {"name": "x", "scopes": ["read"], "password": person.password}
    for wrong, expected in (
        ({"password": "not the password"}, 403), ({"scopes": []}, 422), ({"scopes": ["admin"]}, 422),
        ({"name": " "}, 422), ({"expires_in_days": 0}, 422), ({"user_id": person.id}, 422),
    ):  # fmt: skip
        answer = person.client.post(f"{AUTH}/keys", json={**good, **wrong}, headers=person.headers)
        assert answer.status_code == expected, (wrong, answer.get_data(as_text=True))


def test_an_account_has_at_most_fifty_keys(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app()
    person = signed_in(app=app)
    for _ in range(50):
        make_key(person, "read")
    body = {"name": "one more", "scopes": ["read"], "password": person.password}
    answer = person.client.post(f"{AUTH}/keys", json=body, headers=person.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "too_many_keys")


def test_keys_end_with_the_account_that_is_shut_out(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    made = make_key(person, "read")
    app.test_cli_runner().invoke(args=["user", "disable", person.email])
    app.test_cli_runner().invoke(args=["user", "enable", person.email])
    assert status(app, made) == 401


def test_a_database_that_is_busy_refuses_no_key(app: Flask, signed_in: SignedIn) -> None:
    made = make_key(signed_in(), "read")
    with closing(sqlite3.connect(app.config["ZGPT"].instance_dir / "zgpt.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert status(app, made) == 200
        other.rollback()


def test_a_socket_may_stay_open_as_long_as_its_login_or_key_is_good(app: Flask, signed_in: SignedIn) -> None:
    person, other = signed_in(), signed_in()
    made = make_key(person, "read")
    with app.app_context():
        assert queries.user_of_login(person.id, login_id_of(person))
        assert queries.user_of_key(person.id, made["id"])
        assert not queries.user_of_key(other.id, made["id"])
        assert not queries.user_of_login(person.id, login_id_of(other))
        # The id of one is none of the other.
        assert not queries.user_of_login(person.id, made["id"])
        assert not queries.user_of_key(person.id, login_id_of(person))
    person.client.delete(f"{AUTH}/keys/{made['id']}", headers=person.headers)
    with app.app_context():
        assert not queries.user_of_key(person.id, made["id"])
