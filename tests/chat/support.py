"""Makes sessions and messages in an app under test, straight in its database. No test stands here."""

from typing import Any

from flask import Flask

from tests.support.people import Person
from zgpt.chat import actions
from zgpt.chat.access import access_session
from zgpt.core.db import transaction
from zgpt.core.ids import new_id

API = "/api/v1"
Json = dict[str, Any]


def new_session(app: Flask, person: Person, title: str = "") -> str:
    with app.app_context():
        return actions.start_session(person.id, title).id


def add_messages(app: Flask, person: Person, session_id: str, count: int) -> list[str]:
    """A plain chain of messages, each the child of the one before; their ids."""
    return [add_message(app, person, session_id, f"message {number}") for number in range(count)]


def add_message(app: Flask, person: Person, session_id: str, text: str) -> str:
    with app.app_context(), transaction() as after:
        session = access_session(person.id, session_id)
        message = actions.insert_message(session, "user", text, session.leaf_id, new_id())
        actions.announce(session, after)
    return message.id


def get(person: Person, path: str, **query: object) -> Json:
    answer = person.client.get(f"{API}{path}", query_string=query, headers=person.headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: Json = answer.get_json()
    return body


def ids_of(page: Json) -> list[str]:
    return [item["id"] for item in page["items"]]
