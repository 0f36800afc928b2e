"""Pages of sessions and messages: nothing twice, nothing lost, whatever is written meanwhile."""

import base64

import pytest
from flask import Flask

from tests.chat.support import API, Json, add_message, add_messages, get, ids_of, new_session
from tests.conftest import MakeApp
from tests.support.people import Person
from zgpt.chat.models import ChatSession
from zgpt.chat.schemas import MessageOut
from zgpt.chat.signals import messages_showing
from zgpt.core import clock
from zgpt.core.db import db


@pytest.fixture
def app(make_app: MakeApp, db_url: str) -> Flask:
    return make_app(DATABASE_URL=db_url)


def test_sessions_come_newest_activity_first(app: Flask, person: Person) -> None:
    first, second, third = (new_session(app, person) for _ in range(3))
    add_message(app, person, first, "again")
    page = get(person, "/sessions")
    assert set(page) == {"items", "next", "revision"}
    assert ids_of(page) == [first, third, second]
    assert (page["next"], page["revision"]) == (None, 4)


def test_pages_stay_whole_while_sessions_are_added_and_moved(app: Flask, person: Person) -> None:
    made = [new_session(app, person) for _ in range(9)][::-1]
    seen: list[str] = []
    page: Json = get(person, "/sessions", limit=2)
    seen += ids_of(page)
    while page["next"]:
        new_session(app, person)
        add_message(app, person, made[0], "moves to the top")
        page = get(person, "/sessions", limit=2, before=page["next"])
        seen += ids_of(page)
    assert seen == made


def test_sessions_of_the_same_microsecond_are_each_on_one_page(app: Flask, person: Person) -> None:
    made = {new_session(app, person) for _ in range(5)}
    with app.app_context():
        moment = clock.now()
        for session_id in made:
            db.session.get_one(ChatSession, session_id).updated_at = moment
        db.session.commit()
    seen: list[str] = []
    page: Json = {"next": None}
    while page["next"] or not seen:
        page = get(person, "/sessions", limit=2, **({"before": page["next"]} if page["next"] else {}))
        seen += ids_of(page)
    assert sorted(seen) == sorted(made)


def test_since_a_revision_come_changes_and_deletions_in_their_order(app: Flask, person: Person) -> None:
    kept, changed, deleted = (new_session(app, person) for _ in range(3))
    add_message(app, person, changed, "hello")
    person.client.delete(f"{API}/sessions/{deleted}", headers=person.headers)
    page = get(person, "/sessions", since=3)
    assert set(page) == {"items", "deleted", "revision", "more"}
    assert (ids_of(page), page["deleted"], page["revision"], page["more"]) == ([changed], [deleted], 5, False)
    assert ids_of(get(person, "/sessions", since=0)) == [kept, changed]
    assert get(person, "/sessions", since=0)["deleted"] == []
    assert get(person, "/sessions", since=5)["items"] == []


def test_many_changes_come_in_pages_that_lead_to_one_another(app: Flask, person: Person) -> None:
    made = [new_session(app, person) for _ in range(5)]
    seen: list[str] = []
    page: Json = {"revision": 0, "more": True}
    while page["more"]:
        page = get(person, "/sessions", since=page["revision"], limit=2)
        seen += ids_of(page)
    assert (seen, page["revision"]) == (made, 5)


def test_a_revision_from_the_future_gets_everything(app: Flask, person: Person) -> None:
    made = [new_session(app, person) for _ in range(2)]
    page = get(person, "/sessions", since=99)
    assert (ids_of(page), page["revision"]) == (made, 2)


def test_messages_are_paged_both_ways(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    made = add_messages(app, person, session_id, 7)
    path = f"/sessions/{session_id}/messages"
    newest = get(person, path, limit=3)
    assert (ids_of(newest), newest["after"]) == (made[4:], None)
    middle = get(person, path, limit=3, before=newest["before"])
    assert ids_of(middle) == made[1:4]
    oldest = get(person, path, limit=3, before=middle["before"])
    assert (ids_of(oldest), oldest["before"]) == (made[:1], None)
    assert ids_of(get(person, path, limit=3, after=oldest["after"])) == made[1:4]
    last = get(person, path, limit=3, after=middle["after"])
    assert (ids_of(last), last["after"]) == (made[4:], None)
    assert get(person, path, after=_cursor(made[-1])) == {"items": [], "before": None, "after": None}


def test_pages_of_messages_stay_whole_while_messages_arrive(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    made = add_messages(app, person, session_id, 5)
    path, seen = f"/sessions/{session_id}/messages", []
    page = get(person, path, limit=2)
    seen = ids_of(page)
    while page["before"]:
        add_message(app, person, session_id, "newer")
        page = get(person, path, limit=2, before=page["before"])
        seen = ids_of(page) + seen
    assert seen == made


def test_a_message_is_shown_whole_with_its_run(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    (message_id,) = add_messages(app, person, session_id, 1)
    run = {"id": "r", "status": "completed"}
    with messages_showing.connected_to(lambda messages: {message.id: run for message in messages}):
        (message,) = get(person, f"/sessions/{session_id}/messages")["items"]
    assert message["run"] == run
    assert set(message) == set(MessageOut.model_fields)
    assert (message["id"], message["text"], message["revision"]) == (message_id, "message 0", 1)


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


BAD_CURSORS = ["", "x", "é", "!!!!", _cursor("7"), _cursor("1.2.3"), _cursor("9" * 40 + ".x"), _cursor("\0"), "A" * 500]
FAR = _cursor("9" * 30 + ".01a202b1-c24f-7c1c-bb38-91d5e3ff4a43")


@pytest.mark.parametrize("cursor", [*BAD_CURSORS, FAR])
def test_a_cursor_that_is_none_is_told_so(app: Flask, person: Person, cursor: str) -> None:
    session_id = new_session(app, person)
    for path in (f"{API}/sessions", f"{API}/sessions/{session_id}/messages"):
        answer = person.client.get(path, query_string={"before": cursor}, headers=person.headers)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "since=-1",
        "since=9999999999",
        "since=1&before=x",
        "page=2",
        "limit=1&limit=2",
    ],
)
def test_a_query_that_is_not_right_is_told_so(person: Person, query: str) -> None:
    assert person.client.get(f"{API}/sessions?{query}", headers=person.headers).status_code == 422


def test_before_and_after_together_are_refused(app: Flask, person: Person) -> None:
    path = f"{API}/sessions/{new_session(app, person)}/messages?before=x&after=y"
    assert person.client.get(path, headers=person.headers).status_code == 422
