"""What a viewer lacks, page by page, and the runs of messages."""

from collections.abc import Sequence

import pytest
from gevent.event import Event
from sqlalchemy import select

from tests.runs.conftest import Chat
from zgpt.chat.actions import delete_session, insert_message
from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock
from zgpt.core.db import db, transaction
from zgpt.llm.scripted import Hold, Say
from zgpt.runs import queries
from zgpt.runs.models import Run
from zgpt.runs.queries import Changes


def _changes(chat: Chat, session_id: str, revision: int) -> Changes:
    with chat.app.app_context():
        return queries.changes_since(db.session.get_one(ChatSession, session_id), revision)


def _fill(chat: Chat, session_id: str, count: int, text: str = "x") -> None:
    with chat.app.app_context(), transaction():
        session = db.session.get_one(ChatSession, session_id)
        for _ in range(count):
            insert_message(session, "user", text, session.leaf_id)


def test_who_holds_nothing_gets_all_messages_in_the_order_of_their_making(any_chat: Chat) -> None:
    sent = any_chat.ask()
    changes = _changes(any_chat, sent.session_id, 0)
    assert [(m.role, run and run.id) for m, run in changes.messages] == [("user", None), ("assistant", sent.run_id)]
    assert (changes.deleted, changes.revision, changes.more) == ([], 3, False)


def test_who_holds_a_revision_gets_what_changed_since(any_chat: Chat) -> None:
    sent = any_chat.ask()
    assert [m.role for m, _ in _changes(any_chat, sent.session_id, 2).messages] == ["assistant"]
    changes = _changes(any_chat, sent.session_id, 3)
    assert (changes.messages, changes.revision, changes.more) == ([], 3, False)


def test_an_end_between_two_reads_never_stands_beside_the_text_of_before(
    any_chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, read = Event(), queries._with_all_runs
    any_chat.provider.script(Hold(gate), Say("Hello."))
    sent = any_chat.send()

    def read_late(session: ChatSession, messages: Sequence[Message]) -> object:
        gate.set()
        any_chat.settle()
        return read(session, messages)

    monkeypatch.setattr(queries, "_with_all_runs", read_late)
    [(message, run)] = [pair for pair in _changes(any_chat, sent.session_id, 0).messages if pair[1]]
    assert run is not None
    # SQLite shows a transaction what was there when it began.
    assert (run.status, message.text) in {("completed", "Hello."), ("streaming", ""), ("queued", "")}


def test_a_page_of_messages_shows_an_answer_that_ended_meanwhile_whole(any_chat: Chat) -> None:
    gate = Event()
    any_chat.provider.script(Hold(gate), Say("Hello."))
    sent = any_chat.send()
    with any_chat.app.app_context():
        messages = list(db.session.scalars(select(Message).where(Message.session_id == sent.session_id)))
        gate.set()
        any_chat.settle()
        runs = queries.runs_of(messages)
        texts = [(runs[message.id].status, message.text) for message in messages if message.id in runs]
    assert texts in ([("completed", "Hello.")], [("streaming", "")], [("queued", "")])


def test_a_revision_from_the_future_gets_everything(chat: Chat) -> None:
    sent = chat.ask()
    assert len(_changes(chat, sent.session_id, 99).messages) == 2


def test_deleted_messages_are_told_by_their_ids_to_who_may_hold_them(chat: Chat) -> None:
    sent = chat.ask()
    with chat.app.app_context():
        message = db.session.get_one(Message, sent.message_id)
        message.deleted_at, message.revision = clock.now(), 4
        db.session.get_one(ChatSession, sent.session_id).revision = 4
        db.session.commit()
    assert _changes(chat, sent.session_id, 3).deleted == [sent.message_id]
    whole = _changes(chat, sent.session_id, 0)
    assert ([m.role for m, _ in whole.messages], whole.deleted) == (["assistant"], [])


def test_the_changes_of_a_long_absence_come_in_pages_that_leave_nothing_out(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE_MESSAGES", 4)
    session_id = chat.ask().session_id
    _fill(chat, session_id, 10)
    held, seen = 1, []
    while True:
        changes = _changes(chat, session_id, held)
        seen += [message.revision for message, _ in changes.messages]
        held = changes.revision
        if not changes.more:
            break
        assert len(changes.messages) == 4
    assert seen == list(range(3, 14))
    assert held == 13


def test_of_a_long_session_the_newest_messages_come_first(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_MESSAGES", 4)
    session_id = chat.ask().session_id
    _fill(chat, session_id, 10)
    changes = _changes(chat, session_id, 0)
    assert [message.revision for message, _ in changes.messages] == [10, 11, 12, 13]
    assert (changes.more, changes.revision) == (True, 13)


def test_a_page_stops_at_its_bytes_but_has_at_least_one_message(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_BYTES", 100)
    session_id = chat.ask().session_id
    _fill(chat, session_id, 3, "x" * 90)
    assert [message.revision for message, _ in _changes(chat, session_id, 4).messages] == [5]
    monkeypatch.setattr(queries, "PAGE_BYTES", 10)
    assert [message.revision for message, _ in _changes(chat, session_id, 4).messages] == [5]


def test_messages_without_answers_have_no_runs(chat: Chat) -> None:
    sent = chat.ask()
    with chat.app.app_context():
        question = db.session.get_one(Message, sent.message_id)
        assert queries.runs_of([question]) == {}
        assert queries.runs_of([]) == {}


def test_open_runs_are_those_that_have_not_ended(chat: Chat) -> None:
    sent = chat.ask()
    assert chat.do(queries.open_runs, sent.session_id) == []
    waiting = chat.send("More", sent.session_id)
    assert [run.id for run in chat.do(queries.open_runs, sent.session_id)] == [waiting.run_id]
    assert [run.id for run in chat.do(queries.open_runs_of_user, chat.person.id)] == [waiting.run_id]
    chat.settle()


def test_a_run_and_its_message_are_read_as_they_are_stored_now(chat: Chat) -> None:
    sent = chat.ask()
    with chat.app.app_context():
        run = db.session.get_one(Run, sent.run_id)
        message = queries.written_now(run)
        assert message is not None
        assert message.text == "Hello."
        before = run.status
        chat.do(_fail, sent.run_id)
        queries.written_now(run)
        assert (before, run.status) == ("completed", "failed")
        chat.do(delete_session, chat.person.id, sent.session_id)
        assert queries.written_now(run) is None


def _fail(run_id: str) -> None:
    with transaction():
        db.session.get_one(Run, run_id).status = "failed"


def test_a_question_is_read_with_its_first_answer(chat: Chat) -> None:
    sent = chat.ask()
    exchange = chat.do(queries.question_and_answer, sent.message_id)
    assert [(message.role, run and run.id) for message, run in exchange] == [("user", None), ("assistant", sent.run_id)]
