"""Reads of runs, and of messages with their runs, that are already known to be the asker's. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Select, and_, bindparam, exists, or_, select
from sqlalchemy.orm import defer

from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import db
from zgpt.runs.models import Run

OPEN = ("queued", "streaming")
PAGE_BYTES = 524_288
"""One answer on the socket carries at most about half a mebibyte of messages; the rest is asked for again."""
PAGE_MESSAGES = 200


@dataclass(frozen=True, slots=True)
class Changes:
    """What a viewer lacks: messages and runs, ids of deleted ones, the revision they lead to, is there more.

    `open_runs` are those of the session that have not ended. They are read last: one that ends in between is missing
    there, and its end is a change that is still to be told. The other way round it would be told as live for ever.
    """

    messages: list[tuple[Message, Run | None]]
    deleted: list[str]
    revision: int
    more: bool
    open_runs: list[Run]


def runs_of(messages: Sequence[Message]) -> dict[str, Run]:
    """The run of each assistant message, by message id; messages that were finished meanwhile are read anew."""
    ids = [message.id for message in messages if message.role == "assistant"]
    if not ids:
        return {}
    rows = db.session.scalars(select(Run).where(Run.message_id.in_(ids)).order_by(Run.id))
    runs = {run.message_id: run for run in rows}
    _read_finished_anew(messages, runs)
    return runs


def open_runs_of_user(user_id: str) -> list[Run]:
    """Runs of the user that have not ended."""
    return list(db.session.scalars(select(Run).where(Run.user_id == user_id, Run.status.in_(OPEN))))


def open_runs(session_id: str) -> list[Run]:
    """Runs of the session that have not ended."""
    rows = select(Run).where(Run.session_id == session_id, Run.status.in_(OPEN)).order_by(Run.id)
    return list(db.session.scalars(rows))


def has_open_run(session_id: str) -> bool:
    """Whether an answer is being written in the session."""
    return bool(db.session.connection().scalar(_has_open_run(), {"place_id": session_id}))


def changes_since(session: ChatSession, revision: int) -> Changes:
    """What is newer than `revision`, oldest change first; for who holds nothing (0) the newest messages.

    A revision from the future is none of ours: then everything is sent, as for 0.
    """
    if not 0 < revision <= session.revision:
        return _newest(session)
    values = {"place_id": session.id, "held": revision, "most": PAGE_MESSAGES + 1}
    changed = db.session.scalars(_changed(), values).all()
    page = _within(changed)
    more = len(page) < len(changed)
    leads_to = page[-1].revision if more else session.revision
    live, open_here = _with_all_runs(session, [message for message in page if message.deleted_at is None])
    deleted = [message.id for message in page if message.deleted_at is not None]
    return Changes(live, deleted, leads_to, more, open_here)


def end_read() -> None:
    """Give the connection back to the pool: before a wait for Redis. What was read is read again where it is used."""
    db.session.rollback()


def written_now(run: Run) -> Message | None:
    """The message of the run, with both read anew; None when it was deleted."""
    # On SQLite this request would go on reading what was there when it began to.
    db.session.rollback()
    db.session.refresh(run)
    message = db.session.get(Message, run.message_id, populate_existing=True)
    return message if message is not None and message.deleted_at is None else None


def question_and_answer(message_id: str) -> list[tuple[Message, Run | None]]:
    """A question and the first answer that was begun to it."""
    question = db.session.get_one(Message, message_id)
    answers = select(Message).where(Message.parent_id == message_id).order_by(Message.id).limit(1)
    return _with_runs([question, *db.session.scalars(answers)])


def _newest(session: ChatSession) -> Changes:
    newest = db.session.scalars(_newest_first(), {"place_id": session.id, "most": PAGE_MESSAGES + 1}).all()
    page = _within(newest)
    live, open_here = _with_all_runs(session, page[::-1])
    return Changes(live, [], session.revision, len(page) < len(newest), open_here)


@cache
def _has_open_run() -> Select[bool]:
    """Made once: every question asks this."""
    place_id = bindparam("place_id", type_=Run.session_id.type)
    return select(exists().where(Run.session_id == place_id, Run.status.in_(OPEN)))


@cache
def _changed() -> Select[Message]:
    """Made once, as the next two: building a statement takes longer than running it, and every return asks."""
    rows = select(Message).where(Message.session_id == bindparam("place_id"), Message.revision > bindparam("held"))
    return rows.order_by(Message.revision, Message.id).limit(bindparam("most"))


@cache
def _newest_first() -> Select[Message]:
    rows = select(Message).where(Message.session_id == bindparam("place_id"), Message.deleted_at.is_(None))
    return rows.order_by(Message.id.desc()).limit(bindparam("most"))


@cache
def _runs_here() -> Select[Run]:
    """Those of some messages, and the open ones of their session; without the texts that are kept of these."""
    of_messages = Run.message_id.in_(bindparam("message_ids", expanding=True))
    open_here = and_(Run.session_id == bindparam("place_id"), Run.status.in_(OPEN))
    texts = defer(Run.text_kept), defer(Run.reasoning_kept)
    return select(Run).options(*texts).where(or_(of_messages, open_here)).order_by(Run.id)


def _with_all_runs(
    session: ChatSession, messages: Sequence[Message]
) -> tuple[list[tuple[Message, Run | None]], list[Run]]:
    """Messages of the session with their runs, and its open runs."""
    written = [message.id for message in messages if message.role == "assistant"]
    found = db.session.scalars(_runs_here(), {"place_id": session.id, "message_ids": written}).all()
    runs = {run.message_id: run for run in found}
    _read_finished_anew(messages, runs)
    return [(message, runs.get(message.id)) for message in messages], [run for run in found if run.status in OPEN]


def _read_finished_anew(messages: Sequence[Message], runs: Mapping[str, Run]) -> None:
    """Have no end of a run stand beside the text of before.

    PostgreSQL shows each statement what is stored when that begins: a run that ended between two of them comes with its
    digest, its message without a word, and whoever is shown that would have lost the answer.
    """
    late = [message.id for message in messages if message.id in runs and _is_before_its_end(message, runs[message.id])]
    if late:
        rows = select(Message).where(Message.id.in_(late)).execution_options(populate_existing=True)
        db.session.scalars(rows).all()


def _is_before_its_end(message: Message, run: Run) -> bool:
    return not (message.text or message.reasoning) and any((run.ends or {}).values())


def _within(messages: Sequence[Message]) -> Sequence[Message]:
    """As many as fit into one answer, at least one."""
    size = 0
    for index, message in enumerate(messages[:PAGE_MESSAGES]):
        size += len(message.text) + len(message.reasoning)
        if size > PAGE_BYTES and index:
            return messages[:index]
    return messages[:PAGE_MESSAGES]


def _with_runs(messages: list[Message]) -> list[tuple[Message, Run | None]]:
    runs = runs_of(messages)
    return [(message, runs.get(message.id)) for message in messages]
