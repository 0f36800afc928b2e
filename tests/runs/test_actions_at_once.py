"""The same command, and different ones, at the very same time: from several greenlets, on both databases."""

import gevent
from gevent.event import Event
from sqlalchemy import func, select

from tests.runs.conftest import Chat, new_name
from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import db
from zgpt.core.errors import Conflict
from zgpt.llm.scripted import Hold
from zgpt.runs.actions import Sent
from zgpt.runs.models import Run

AT_ONCE = 4


def _counts(chat: Chat) -> tuple[int, int, int]:
    with chat.app.app_context():
        sessions, messages, runs = (
            db.session.scalar(select(func.count()).select_from(model)) for model in (ChatSession, Message, Run)
        )
    return sessions or 0, messages or 0, runs or 0


def _at_once(chat: Chat, session_id: str | None, names: list[str]) -> list[Sent | Exception]:
    def send(name: str) -> Sent | Exception:
        try:
            return chat.send("Hi", session_id, name)
        except Conflict as fault:
            return fault

    greenlets = [gevent.spawn(send, name) for name in names]
    gevent.joinall(greenlets, timeout=30, raise_error=True)
    return [greenlet.get(block=False) for greenlet in greenlets]


def test_one_first_message_sent_by_many_at_once_is_made_once(any_chat: Chat) -> None:
    sent = _at_once(any_chat, None, [new_name()] * AT_ONCE)
    any_chat.settle()
    assert len({(s.session_id, s.message_id, s.run_id) for s in sent if isinstance(s, Sent)}) == 1
    assert sum(isinstance(s, Sent) and s.again for s in sent) == AT_ONCE - 1
    assert _counts(any_chat) == (1, 2, 1)


def test_one_message_of_a_session_sent_by_many_at_once_is_made_once(any_chat: Chat) -> None:
    session_id = any_chat.ask().session_id
    sent = _at_once(any_chat, session_id, [new_name()] * AT_ONCE)
    any_chat.settle()
    assert len({(s.message_id, s.run_id) for s in sent if isinstance(s, Sent)}) == 1
    assert _counts(any_chat) == (1, 4, 2)


def test_of_different_messages_at_once_one_is_answered_and_the_others_are_told_to_wait(any_chat: Chat) -> None:
    session_id = any_chat.ask().session_id
    gate = Event()
    any_chat.provider.script(Hold(gate))
    sent = _at_once(any_chat, session_id, [new_name() for _ in range(AT_ONCE)])
    gate.set()
    any_chat.settle()
    assert sum(isinstance(s, Sent) for s in sent) == 1
    assert all(s.code == "run_active" for s in sent if isinstance(s, Conflict))
    assert _counts(any_chat) == (1, 4, 2)


def test_different_first_messages_at_once_make_sessions_with_revisions_in_a_row(any_chat: Chat) -> None:
    device = any_chat.device()
    sent = _at_once(any_chat, None, [new_name() for _ in range(AT_ONCE)])
    any_chat.settle()
    assert len({s.session_id for s in sent if isinstance(s, Sent)}) == AT_ONCE
    revisions = [event["user_revision"] for event in device.seen]
    assert sorted(revisions) == list(range(1, len(revisions) + 1))
