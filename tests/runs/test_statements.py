"""What a question costs the database, in statements: each one is a round trip, and most of the first token's wait."""

from __future__ import annotations

import uuid

from gevent.event import Event

from tests.runs.conftest import Chat
from tests.support.statements import statements
from zgpt.llm.base import Usage
from zgpt.realtime.live import RunHead
from zgpt.runs import actions, ending
from zgpt.runs.active import ActiveRun, Outcome


def sent_to_it(said: list[str]) -> list[str]:
    """Without what SQLite is told at the beginning of a transaction, and the rate that is looked up once in seconds."""
    return [
        words for words in said if not words.startswith("BEGIN") and ("rate_limits" not in words or "usage" in words)
    ]


def _asked(chat: Chat, session_id: str | None = None) -> tuple[actions.Sent, RunHead]:
    """A question whose answer nobody writes."""
    heads: list[RunHead] = []
    chat.runner.enqueue = heads.append  # type: ignore[assignment,method-assign]  # a double
    sent = chat.do(actions.send_message, chat.person.id, session_id, str(uuid.uuid4()), "Why?")
    return sent, heads[0]


def _written(chat: Chat, head: RunHead) -> ActiveRun:
    run = ActiveRun(head, {}, chat.app.extensions["realtime"].broker, Event())
    run.on_delta("text", b"Because.")
    return run


def _end(chat: Chat, head: RunHead) -> str:
    outcome = Outcome("completed", usage=Usage(3, 4))
    return chat.do(ending.end_run, _written(chat, head), outcome, lambda _: None)


def test_a_question_in_a_session_takes_ten(any_chat: Chat) -> None:
    first, head = _asked(any_chat)
    any_chat.do(ending.begin_run, head)
    assert _end(any_chat, head) == "told"
    with statements(any_chat.app) as said:
        _asked(any_chat, first.session_id)
    assert len(sent_to_it(said)) == 10, "\n".join(said)


def test_its_beginning_takes_two_and_its_end_seven(any_chat: Chat) -> None:
    _, head = _asked(any_chat)
    with statements(any_chat.app) as said:
        any_chat.do(ending.begin_run, head)
    assert len(sent_to_it(said)) == 2, "\n".join(said)
    with statements(any_chat.app) as said:
        assert _end(any_chat, head) == "told"
    assert len(sent_to_it(said)) == 7, "\n".join(said)
