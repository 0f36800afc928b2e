"""What viewers may have missed, read for many of them at once: of those that come from another process, or of all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import and_, func, select

from zgpt.auth.queries import live_devices
from zgpt.chat.models import ChatSession, Message
from zgpt.chat.schemas import session_json
from zgpt.core.db import db
from zgpt.realtime.live import LiveRun, RunHead
from zgpt.realtime.protocol import Event, MessageCreated, MessageDeleted, RunCompleted, SessionDeleted, SessionUpdated
from zgpt.runs import ending
from zgpt.runs.models import Run
from zgpt.runs.queries import OPEN, runs_of
from zgpt.runs.schemas import written_json


@dataclass(frozen=True, slots=True)
class SessionNews:
    """The newest change of a session: who has all before it applies or ignores it, who has not asks for the rest.

    `message_id` is that of the message which changed and is still there.
    """

    revision: int
    newest: Event
    message_id: str | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class News:
    """`logins` and keys that are good, as (user, id); the rest by session, run and user id."""

    logins: set[tuple[str, str]]
    sessions: dict[str, SessionNews]
    open_runs: list[RunHead]
    ended_runs: dict[str, LiveRun]
    lists: dict[str, Event]


def news_for(logins: Collection[str], users: Collection[str], sessions: Collection[str], runs: Collection[str]) -> News:
    """What is stored now. `runs` are those whose end was not told."""
    heads = select(Run.user_id, Run.session_id, Run.id, Run.message_id, Run.epoch)
    found = list(db.session.scalars(select(ChatSession).where(ChatSession.id.in_(sessions))))
    return News(
        live_devices(logins),
        _newest(found),
        [RunHead(*row) for row in db.session.execute(heads.where(Run.session_id.in_(sessions), Run.status.in_(OPEN)))],
        {run.id: _ended_run(run, message) for run, message in _ended(runs)},
        {session.user_id: _listed(session) for session in _latest(users)},
    )


def ends_of(run_ids: Collection[str]) -> dict[str, RunCompleted | None]:
    """What became of runs that are not open any more; None for those that nobody can look at any more."""
    status = select(Run.id).where(Run.id.in_(run_ids), Run.status.in_(OPEN))
    over = set(run_ids).difference(db.session.scalars(status))
    ended = _ended(over) if over else []
    return {**dict.fromkeys(over), **{run.id: ending.completed_event(run, message) for run, message in ended}}


def _newest(sessions: list[ChatSession]) -> dict[str, SessionNews]:
    at_top = and_(Message.session_id == ChatSession.id, Message.revision == ChatSession.revision)
    wanted = select(Message).join(ChatSession, at_top).where(ChatSession.id.in_([session.id for session in sessions]))
    messages = {message.session_id: message for message in db.session.scalars(wanted)}
    runs = runs_of(list(messages.values()))
    return {session.id: _news_of(session, messages.get(session.id), runs) for session in sessions}


def _news_of(session: ChatSession, message: Message | None, runs: dict[str, Run]) -> SessionNews:
    if message is None or session.deleted_at is not None:
        return SessionNews(session.revision, _listed(session), None, session.deleted_at is not None)
    if message.deleted_at is not None:
        gone = MessageDeleted(session.id, message.id, message.revision)
        return SessionNews(session.revision, gone, None, deleted=False)
    shown = MessageCreated(session.id, message.revision, written_json(message, runs.get(message.id)))
    return SessionNews(session.revision, shown, message.id, deleted=False)


def _listed(session: ChatSession) -> Event:
    if session.deleted_at is not None:
        return SessionDeleted(session.id, session.user_revision)
    return SessionUpdated(session_json(session), session.user_revision)


def _latest(users: Collection[str]) -> list[ChatSession]:
    """The session of each user that changed last."""
    newest = (
        select(ChatSession.user_id, func.max(ChatSession.user_revision).label("top"))
        .where(ChatSession.user_id.in_(users))
        .group_by(ChatSession.user_id)
        .subquery()
    )
    same = and_(ChatSession.user_id == newest.c.user_id, ChatSession.user_revision == newest.c.top)
    return list(db.session.scalars(select(ChatSession).join(newest, same)))


def _ended(run_ids: Collection[str]) -> list[tuple[Run, Message]]:
    """Those that have ended and whose message is still there."""
    wanted = select(Run, Message).join(Message, Run.message_id == Message.id)
    found = db.session.execute(wanted.where(Run.id.in_(run_ids), Run.status.not_in(OPEN), Message.deleted_at.is_(None)))
    return [(run, message) for run, message in found]


def _ended_run(run: Run, message: Message) -> LiveRun:
    """With its whole text and its end."""
    live = LiveRun(ending.head_of(run), {"text": message.text.encode(), "reasoning": message.reasoning.encode()})
    live.finish(ending.completed_event(run, message))
    return live
