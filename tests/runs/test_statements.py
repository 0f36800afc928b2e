"""What a question costs the database, in statements: each one is a round trip, and most of the first token's wait."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gevent.event import Event
from sqlalchemy import event

from tests.runs.conftest import Chat
from zgpt.core.db import db
from zgpt.llm.base import Usage
from zgpt.realtime.live import RunHead
from zgpt.runs import actions, ending
from zgpt.runs.active import ActiveRun, Outcome


@contextmanager
def statements(chat: Chat) -> Iterator[list[str]]:
    """What is sent to the database meanwhile, without the beginnings and ends of transactions."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            said.append(statement)

    with chat.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _asked(chat: Chat, session_id: str | None = None) -> tuple[actions.Sent, RunHead]:
    """A question whose answer nobody writes."""
    heads: list[RunHead] = []
    chat.runner.enqueue = heads.append  # type: ignore[assignment,method-assign]
    sent = chat.do(actions.send_message, chat.person.id, session_id, str(uuid.uuid4()), "Why?")
    return sent, heads[0]


def _written(chat: Chat, head: RunHead) -> ActiveRun:
    run = ActiveRun(head, {}, chat.runner._broker, Event())
    run.on_delta("text", b"Because.")
    return run


def _end(chat: Chat, head: RunHead) -> str:
    outcome = Outcome("completed", usage=Usage(3, 4))
    return chat.do(ending.end_run, _written(chat, head), outcome, lambda _: None)


def test_a_question_in_a_session_takes_ten(any_chat: Chat) -> None:
    first, head = _asked(any_chat)
    any_chat.do(ending.begin_run, head)
    assert _end(any_chat, head) == "told"
    with statements(any_chat) as said:
        _asked(any_chat, first.session_id)
    # The user's own rate is looked up once in some seconds.
    asked = [words for words in said if "rate_limits" not in words or "usage_days" in words]
    assert len(asked) == 10, "\n".join(asked)


def test_its_beginning_takes_two_and_its_end_seven(any_chat: Chat) -> None:
    _, head = _asked(any_chat)
    with statements(any_chat) as said:
        any_chat.do(ending.begin_run, head)
    assert len(said) == 2, "\n".join(said)
    with statements(any_chat) as said:
        assert _end(any_chat, head) == "told"
    assert len(said) == 7, "\n".join(said)
