"""Other people's things answer exactly as things that do not exist."""

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.chat.support import API, add_messages, new_session
from tests.conftest import SignedIn
from tests.support.people import Person
from zgpt.auth.models import User
from zgpt.auth.tokens import verify_access
from zgpt.chat.access import access_message, access_session
from zgpt.chat.models import Message
from zgpt.core import clock
from zgpt.core.db import db
from zgpt.core.errors import NotFound
from zgpt.core.ids import new_id
from zgpt.core.openapi import operation_of

BODIES = {"PATCH": {"title": "mine now"}, "POST": {"client_id": new_id(), "text": "hello"}}
NO_IDS = ["x", "0", "%00", "' OR 1=1 --", "..%2f..", "0" * 36, "{01a202b1-c24f-7c1c-bb38-91d5e3ff4a43}", "é"]


@pytest.fixture
def owner(signed_in: SignedIn) -> Person:
    return signed_in()


@pytest.fixture
def stranger(signed_in: SignedIn) -> Person:
    return signed_in()


def _routes(app: Flask) -> list[tuple[str, str]]:
    """Every method and path of the API that takes a session's id, read from the app's own routes."""
    rules = _rules(app)
    return [(method, rule.rule) for rule in rules for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]


def _rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(f"{API}/sessions/<session_id>")]


def _ask(person: Person, method: str, rule: str, session_id: str) -> TestResponse:
    url = rule.replace("<session_id>", session_id)
    return person.client.open(url, method=method, json=BODIES.get(method), headers=person.headers)


def test_sec_21_every_route_of_a_session_is_in_the_matrix(app: Flask) -> None:
    routes = _routes(app)
    assert {
        ("DELETE", f"{API}/sessions/<session_id>"),
        ("GET", f"{API}/sessions/<session_id>"),
        ("GET", f"{API}/sessions/<session_id>/messages"),
        ("PATCH", f"{API}/sessions/<session_id>"),
        ("POST", f"{API}/sessions/<session_id>/messages"),
    } <= set(routes)
    declared = [operation_of(app.view_functions[rule.endpoint]) for rule in _rules(app)]
    assert all(operation and operation.auth == "bearer" for operation in declared)


def test_sec_21_a_strangers_session_answers_like_a_missing_one(app: Flask, owner: Person, stranger: Person) -> None:
    session_id = new_session(app, owner, "private")
    add_messages(app, owner, session_id, 1)
    for method, rule in _routes(app):
        missing, foreign = (_ask(stranger, method, rule, one) for one in (new_id(), session_id))
        assert (foreign.status_code, foreign.data) == (404, missing.data), (method, rule)
    assert _ask(owner, "GET", f"{API}/sessions/<session_id>", session_id).get_json()["title"] == "private"


def test_sec_21_an_admin_and_a_guest_see_no_more_than_others(app: Flask, owner: Person, stranger: Person) -> None:
    session_id = new_session(app, owner)
    for changed in ({"role": "admin"}, {"role": "member", "kind": "guest"}):
        with app.app_context():
            db.session.execute(update(User).where(User.id == stranger.id).values(**changed))
            db.session.commit()
        for method, rule in _routes(app):
            assert _ask(stranger, method, rule, session_id).status_code == 404, (method, rule, changed)


def test_sec_21_without_a_token_nothing_is_told(app: Flask, owner: Person) -> None:
    session_id = new_session(app, owner)
    for method, rule in [*_routes(app), ("GET", f"{API}/sessions"), ("POST", f"{API}/sessions")]:
        url = rule.replace("<session_id>", session_id)
        assert app.test_client().open(url, method=method, json=BODIES.get(method)).status_code == 401


def test_sec_21_the_owner_gets_through_every_route(app: Flask, owner: Person) -> None:
    for method, rule in _routes(app):
        assert _ask(owner, method, rule, new_session(app, owner)).status_code in {200, 202, 204}, (method, rule)


@pytest.mark.parametrize("text", NO_IDS)
def test_what_is_no_id_answers_like_a_missing_one(app: Flask, owner: Person, text: str) -> None:
    for method, rule in _routes(app):
        assert _ask(owner, method, rule, text).status_code == 404, (method, rule)


def test_a_deleted_session_answers_like_a_missing_one(app: Flask, owner: Person) -> None:
    session_id = new_session(app, owner)
    assert _ask(owner, "DELETE", f"{API}/sessions/<session_id>", session_id).status_code == 204
    for method, rule in _routes(app):
        assert _ask(owner, method, rule, session_id).status_code == 404, (method, rule)


def test_sec_22_a_method_cannot_be_overridden_by_a_header(app: Flask, owner: Person) -> None:
    session_id = new_session(app, owner)
    headers = {**owner.headers, "X-HTTP-Method-Override": "DELETE"}
    assert owner.client.get(f"{API}/sessions/{session_id}?_method=DELETE", headers=headers).status_code == 200
    assert _ask(owner, "GET", f"{API}/sessions/<session_id>", session_id).status_code == 200


def test_an_identity_and_its_users_id_reach_the_same(app: Flask, owner: Person) -> None:
    session_id = new_session(app, owner)
    with app.app_context():
        identity = verify_access(owner.access_token)
        assert access_session(identity, session_id) is access_session(owner.id, session_id)
        assert access_session(owner.id, session_id.upper()).id == session_id


def test_a_message_is_reached_by_the_owner_of_its_session_only(app: Flask, owner: Person, stranger: Person) -> None:
    session_id = new_session(app, owner)
    kept, deleted = add_messages(app, owner, session_id, 2)
    with app.app_context():
        db.session.execute(update(Message).where(Message.id == deleted).values(deleted_at=clock.now()))
        assert access_message(owner.id, kept).text == "message 0"
        for user_id, message_id in ((stranger.id, kept), (owner.id, deleted), (owner.id, new_id()), (owner.id, "x")):
            with pytest.raises(NotFound):
                access_message(user_id, message_id)
