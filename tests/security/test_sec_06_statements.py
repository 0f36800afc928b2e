"""Check 6, what a clock could only suspect: the database is asked the same for an id of somebody else as for none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.gateway.conftest import Desk, chat, desk, make_chat
from tests.security.chats import Chat as Target
from tests.security.test_sec_06_commands import ATTACKS, NOBODYS
from tests.support.people import sign_up
from zgpt.core.db import db

__all__ = ["chat", "desk", "make_chat"]


@contextmanager
def statements(desk: Desk) -> Iterator[list[str]]:
    """What is sent to the database meanwhile, without its values."""
    told: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    with desk.chat.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", hear)


@pytest.mark.parametrize("kind", ATTACKS)
def test_sec_06_the_same_is_asked_of_the_database_either_way(desk: Desk, kind: str) -> None:
    sent = desk.chat.ask()
    answer_id = desk.chat.run(sent.run_id).message_id
    theirs = Target(NOBODYS.owner, sent.session_id, sent.message_id, answer_id, sent.run_id)
    stranger = desk.connect(sign_up(desk.chat.app).access_token)
    # The first command of a person may load what later ones find.
    assert stranger.ask(kind, **ATTACKS[kind](NOBODYS))["code"] == "not_found"
    asked = []
    for target in (theirs, NOBODYS):
        with statements(desk) as told:
            assert stranger.ask(kind, **ATTACKS[kind](target))["code"] == "not_found"
        asked.append(told)
    assert asked[0] == asked[1] != []
