"""Revisions under many writers at once: each number once, none skipped, and never seen out of order."""

import gevent
import pytest
from flask import Flask
from gevent.event import Event
from sqlalchemy import select

from tests.chat.support import add_messages, get, new_session
from tests.conftest import MakeApp
from tests.support.people import Person
from zgpt.auth.models import User
from zgpt.chat import actions
from zgpt.chat.access import access_session
from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import db, transaction
from zgpt.core.errors import NotFound
from zgpt.runs.queries import changes_since

WRITERS = 20
EACH = 5


@pytest.fixture
def app(make_app: MakeApp, postgres_url: str) -> Flask:
    return make_app(DATABASE_URL=postgres_url, DATABASE_POOL_SIZE=str(WRITERS + 2))


def _all_at_once(app: Flask, person: Person, session_ids: list[str]) -> None:
    writers = [gevent.spawn(add_messages, app, person, session_id, EACH) for session_id in session_ids]
    gevent.joinall(writers, timeout=60, raise_error=True)


def test_one_session_counts_every_change_of_20_writers_once(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    _all_at_once(app, person, [session_id] * WRITERS)
    with app.app_context():
        stamped = list(db.session.scalars(select(Message.revision).order_by(Message.revision)))
        session = db.session.get_one(ChatSession, session_id)
        assert stamped == list(range(1, WRITERS * EACH + 1))
        assert session.revision == WRITERS * EACH
        assert session.user_revision == db.session.get_one(User, person.id).revision == WRITERS * EACH + 1


def test_a_users_revision_counts_the_changes_of_all_their_sessions(app: Flask, person: Person) -> None:
    session_ids = [new_session(app, person) for _ in range(WRITERS)]
    _all_at_once(app, person, session_ids)
    with app.app_context():
        sessions = list(db.session.scalars(select(ChatSession)))
        assert {session.revision for session in sessions} == {EACH}
        stamps = [session.user_revision for session in sessions]
        assert len(set(stamps)) == WRITERS
        assert max(stamps) == db.session.get_one(User, person.id).revision == WRITERS * (EACH + 1)


def test_who_follows_the_revision_while_others_write_misses_nothing(app: Flask, person: Person) -> None:
    session_ids = [new_session(app, person) for _ in range(WRITERS)]
    seen: dict[str, int] = {}
    revision = 0
    writers = [gevent.spawn(add_messages, app, person, session_id, EACH) for session_id in session_ids]
    while revision < WRITERS * (EACH + 1):
        page = get(person, "/sessions", since=revision, limit=3)
        assert page["revision"] >= revision
        revision = page["revision"]
        seen |= {item["id"]: item["revision"] for item in page["items"]}
    gevent.joinall(writers, timeout=60, raise_error=True)
    assert seen == dict.fromkeys(session_ids, EACH)


def test_who_follows_one_session_while_others_write_misses_no_message(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    writers = [gevent.spawn(add_messages, app, person, session_id, EACH) for _ in range(WRITERS)]
    held: list[int] = []
    while len(held) < WRITERS * EACH:
        with app.app_context():
            session = access_session(person.id, session_id)
            changes = changes_since(session, max(held, default=0))
            held += sorted(message.revision for message, _ in changes.messages)
    gevent.joinall(writers, timeout=60, raise_error=True)
    assert held == list(range(1, WRITERS * EACH + 1))


def test_a_session_deleted_among_writers_stays_empty(app: Flask, person: Person) -> None:
    session_id, written = new_session(app, person), Event()

    def write_until_gone() -> None:
        while True:
            add_messages(app, person, session_id, 1)
            written.set()

    writers = [gevent.spawn(write_until_gone) for _ in range(WRITERS)]
    assert written.wait(timeout=30)
    with app.app_context():
        actions.delete_session(person.id, session_id)
    gevent.joinall(writers, timeout=60)
    assert {type(writer.exception) for writer in writers} == {NotFound}
    with app.app_context():
        rows = list(db.session.scalars(select(Message)))
        revision = db.session.get_one(ChatSession, session_id).revision
    assert rows
    assert {(row.text, row.revision) for row in rows} == {("", revision)}


def test_a_user_deleted_among_writers_leaves_nothing(app: Flask, person: Person) -> None:
    session_ids = [new_session(app, person) for _ in range(WRITERS)]

    def write(session_id: str) -> None:
        with app.app_context(), transaction():
            actions.insert_message(access_session(person.id, session_id), "user", "hello")

    writers = [gevent.spawn(write, session_id) for session_id in session_ids]
    body = {"password": person.password}
    answer = person.client.delete("/api/v1/auth/me", json=body, headers=person.headers)
    gevent.joinall(writers, timeout=60)
    assert answer.status_code == 204
    assert {type(writer.exception) for writer in writers} <= {type(None), NotFound}
    with app.app_context():
        assert not list(db.session.scalars(select(Message.id)))
