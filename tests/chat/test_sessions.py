"""Creating, reading, renaming and deleting sessions over REST, and what other devices hear of it."""

import pytest
from flask import Flask
from sqlalchemy import select

from tests.auth.recorder import Recorder
from tests.chat.support import API, add_messages, get, new_session
from tests.conftest import MakeApp, SignedIn
from tests.support.people import Person
from zgpt.chat.actions import create_session, set_title
from zgpt.chat.models import ChatSession, Message
from zgpt.chat.signals import session_deleting
from zgpt.core.db import db, transaction

SHAPE = {"id", "title", "created_at", "updated_at", "revision", "user_revision", "leaf_id"}


def test_a_session_can_be_created_with_and_without_a_title(person: Person) -> None:
    for body, title in (({}, ""), ({"title": None}, ""), ({"title": "  A trip to Oslo "}, "A trip to Oslo")):
        answer = person.client.post(f"{API}/sessions", json=body, headers=person.headers)
        assert answer.status_code == 201
        session = answer.get_json()
        assert set(session) == SHAPE
        assert (session["title"], session["revision"], session["leaf_id"]) == (title, 0, None)
        assert get(person, f"/sessions/{session['id']}") == session


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, "two\nlines", "bell\u0007", "nul\u0000", "\u2028", 7, None])
def test_a_title_is_one_line_of_1_to_200_characters(app: Flask, person: Person, title: object) -> None:
    session_id = new_session(app, person, "before")
    answer = person.client.patch(f"{API}/sessions/{session_id}", json={"title": title}, headers=person.headers)
    assert answer.status_code == 422
    assert get(person, f"/sessions/{session_id}")["title"] == "before"


def test_a_title_of_200_characters_is_kept_whole(app: Flask, person: Person) -> None:
    session_id, title = new_session(app, person), "👩‍🚀é" * 40
    answer = person.client.patch(f"{API}/sessions/{session_id}", json={"title": title}, headers=person.headers)
    assert answer.status_code == 200
    assert get(person, f"/sessions/{session_id}")["title"] == title


@pytest.mark.parametrize("field", ["id", "user_id", "revision", "created_at", "title_source", "deleted_at"])
def test_sec_22_only_the_title_can_be_given(app: Flask, person: Person, field: str) -> None:
    body = {"title": "mine", field: "x"}
    session_id = new_session(app, person)
    assert person.client.post(f"{API}/sessions", json=body, headers=person.headers).status_code == 422
    assert person.client.patch(f"{API}/sessions/{session_id}", json=body, headers=person.headers).status_code == 422


def test_other_devices_hear_of_each_change_once_and_in_order(person: Person, recorder: Recorder) -> None:
    created = person.client.post(f"{API}/sessions", json={}, headers=person.headers).get_json()
    url = f"{API}/sessions/{created['id']}"
    renamed = person.client.patch(url, json={"title": "Oslo"}, headers=person.headers).get_json()
    assert person.client.delete(url, headers=person.headers).status_code == 204
    assert recorder.events == [
        (person.id, None, {"type": "session.updated", "session": created, "user_revision": 1}),
        (person.id, None, {"type": "session.updated", "session": renamed, "user_revision": 2}),
        (person.id, None, {"type": "session.deleted", "session_id": created["id"], "user_revision": 3}),
    ]
    assert (renamed["revision"], renamed["user_revision"], renamed["title"]) == (1, 2, "Oslo")


def test_renaming_is_no_activity(app: Flask, person: Person) -> None:
    older, newer = new_session(app, person), new_session(app, person)
    person.client.patch(f"{API}/sessions/{older}", json={"title": "Oslo"}, headers=person.headers)
    assert [item["id"] for item in get(person, "/sessions")["items"]] == [newer, older]


def test_a_deleted_session_leaves_a_tombstone_without_words(
    make_app: MakeApp, signed_in: SignedIn, db_url: str
) -> None:
    app = make_app(DATABASE_URL=db_url)
    person = signed_in(app=app)
    session_id = new_session(app, person, "a secret trip")
    message_ids = add_messages(app, person, session_id, 3)
    assert person.client.delete(f"{API}/sessions/{session_id}", headers=person.headers).status_code == 204
    with app.app_context():
        tombstone = db.session.get_one(ChatSession, session_id)
        rows = list(db.session.scalars(select(Message).order_by(Message.id)))
    assert (tombstone.title, tombstone.leaf_id, tombstone.revision, tombstone.user_revision) == ("", None, 4, 5)
    assert [row.id for row in rows] == message_ids
    assert {(row.text, row.reasoning, row.revision, row.deleted_at) for row in rows} == {
        ("", "", 4, tombstone.deleted_at)
    }


def test_rooms_above_join_the_transaction_of_a_deletion(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    seen: list[str] = []

    def refuse(session: ChatSession, after: object) -> None:
        seen.append(session.id)
        raise RuntimeError("cannot stop its runs")

    with session_deleting.connected_to(refuse), pytest.raises(RuntimeError):
        person.client.delete(f"{API}/sessions/{session_id}", headers=person.headers)
    assert seen == [session_id]
    assert get(person, f"/sessions/{session_id}")["id"] == session_id


def test_a_model_never_replaces_a_title_that_a_person_wrote(app: Flask, person: Person) -> None:
    with app.app_context(), transaction():
        unnamed, named = create_session(person.id), create_session(person.id, "mine")
        assert set_title(unnamed, "from the model", "model") is True
        assert set_title(unnamed, "a better one", "model") is True
        assert set_title(named, "from the model", "model") is False
        assert (unnamed.title, unnamed.revision, unnamed.title_source) == ("a better one", 2, "model")
        assert (named.title, named.revision) == ("mine", 0)
