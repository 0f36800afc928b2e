"""Thousands of people with a chat each, written straight into the database: signing up would be a test of bcrypt.

Not here: what they do (crowd.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert

from zgpt.app import create_app
from zgpt.auth.models import Login, User
from zgpt.auth.tokens import issue_access
from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock, ids
from zgpt.core.config import load_settings
from zgpt.core.db import db
from zgpt.runs.models import Run

TURNS = 3
HELD = 4
"""The revision that a client holds: all but the last question and answer, which it is told on its return."""
TEXT = "A few words, and then some more of them, as an answer of a model has. " * 10
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Someone:
    """Whom a client of the crowd speaks for."""

    token: str
    session_id: str
    revision: int


def make_people(folder: Path, database_url: str, count: int) -> list[Someone]:
    """`count` people in a migrated database, each with a sign-in and a chat of three questions and answers."""
    app = create_app(load_settings({
        "INSTANCE_DIR": str(folder), "DATABASE_URL": database_url, "ACCESS_TOKEN_S": "86400",
    }))  # fmt: skip
    with app.app_context():
        made = list(_make(count))
        db.session.commit()
    _release(app)
    return made


def _make(count: int) -> Iterator[Someone]:
    rows: dict[type[Any], list[Row]] = {User: [], Login: [], ChatSession: [], Message: [], Run: []}
    for _ in range(count):
        user_id, login_id, session_id = ids.new_id(), ids.new_id(), ids.new_id()
        rows[User].append({"id": user_id, "email": f"{uuid.uuid4().hex}@example.org", "name": "Ada", "revision": 1})
        rows[Login].append({
            "id": login_id, "user_id": user_id, "expires_at": clock.now() + timedelta(days=1),
            "token_hash": uuid.uuid4().hex,
        })  # fmt: skip
        leaf_id = None
        for turn in range(TURNS):
            leaf_id = _turn(rows, user_id, session_id, leaf_id, 2 * turn + 1)
        rows[ChatSession].append({
            "id": session_id, "user_id": user_id, "title": "Chat", "title_source": "person", "revision": 2 * TURNS,
            "user_revision": 1, "leaf_id": leaf_id,
        })  # fmt: skip
        yield Someone(issue_access(user_id, login_id), session_id, HELD)
    for model, values in rows.items():
        db.session.execute(insert(model), values)


def _turn(rows: dict[type[Any], list[Row]], user_id: str, session_id: str, parent_id: str | None, at: int) -> str:
    question_id, answer_id = ids.new_id(), ids.new_id()
    said = {"session_id": session_id, "text": TEXT}
    rows[Message] += [
        {**said, "id": question_id, "parent_id": parent_id, "role": "user", "revision": at,
         "client_id": str(uuid.uuid4())},
        {**said, "id": answer_id, "parent_id": question_id, "role": "assistant", "revision": at + 1, "client_id": None},
    ]  # fmt: skip
    rows[Run].append({
        "id": ids.new_id(), "message_id": answer_id, "session_id": session_id, "user_id": user_id,
        "status": "completed", "ends": {"text": len(TEXT)}, "sha256": {},
    })  # fmt: skip
    return answer_id


def _release(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
