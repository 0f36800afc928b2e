"""Reads of sessions and messages that are already known to be the asker's. Nothing is written or checked here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Row, Select, bindparam, literal, select, tuple_
from sqlalchemy.orm import aliased

from zgpt.auth.models import User
from zgpt.chat.cursors import SessionCursor
from zgpt.chat.models import ChatSession, Message, MessageRole
from zgpt.core.db import db


@dataclass(frozen=True, slots=True)
class SessionChanges:
    """What changed in a user's list: sessions, ids of deleted ones, the revision they lead to, and is there more."""

    items: list[ChatSession]
    deleted: list[str]
    revision: int
    more: bool


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages in the order of their making, and whether there are older and newer ones beyond."""

    items: list[Message]
    has_older: bool
    has_newer: bool


def user_revision(user_id: str) -> int:
    """The revision of the user's list of sessions. Read it before the rows: a row may then be newer, never missing."""
    return db.session.scalar(_user_revision(), {"owner_id": user_id}) or 0


def newest_sessions(user_id: str, limit: int, before: SessionCursor | None = None) -> list[ChatSession]:
    """Live sessions, newest activity first, those after the cursor only."""
    rows = select(ChatSession).where(ChatSession.user_id == user_id, ChatSession.deleted_at.is_(None))
    if before:
        rows = rows.where(tuple_(ChatSession.updated_at, ChatSession.id) < (before.updated_at, before.id))
    newest_first = rows.order_by(ChatSession.updated_at.desc(), ChatSession.id.desc())
    return list(db.session.scalars(newest_first.limit(limit)))


def sessions_since(user_id: str, since: int, limit: int) -> SessionChanges:
    """Sessions with a larger `user_revision`, oldest change first; a `since` from the future means everything."""
    now_at = user_revision(user_id)
    start = since if since <= now_at else 0
    values = {"owner_id": user_id, "held": start, "most": limit + 1}
    rows = list(db.session.scalars(_changed_sessions(), values))
    more, rows = len(rows) > limit, rows[:limit]
    last = rows[-1].user_revision if rows else start
    deleted = [row.id for row in rows if row.deleted_at and since]
    return SessionChanges(
        [row for row in rows if not row.deleted_at], deleted, last if more else max(last, now_at), more
    )


def page_of_messages(session_id: str, limit: int, before: str | None = None, after: str | None = None) -> MessagePage:
    """Up to `limit` messages next to the message id given, or the newest ones; always oldest first."""
    rows = select(Message).where(Message.session_id == session_id, Message.deleted_at.is_(None))
    if after:
        newer = list(db.session.scalars(rows.where(Message.id > after).order_by(Message.id).limit(limit + 1)))
        return MessagePage(newer[:limit], True, len(newer) > limit)
    if before:
        rows = rows.where(Message.id < before)
    older = list(db.session.scalars(rows.order_by(Message.id.desc()).limit(limit + 1)))
    return MessagePage(older[:limit][::-1], len(older) > limit, before is not None)


def path_to(leaf_id: str | None, limit: int = 10_000) -> Sequence[Row[MessageRole, str]]:
    """`role` and `text` of the branch from root to leaf, its last `limit` messages, in one recursive query."""
    if leaf_id is None:
        return []
    return db.session.execute(_path(), {"leaf_id": leaf_id, "path_limit": limit}).all()


def message_named(user_id: str, client_id: str, session_id: str | None = None) -> Message | None:
    """The user's message that a client gave this name, in one session or (for a first message) in any live one."""
    values = {"owner_id": user_id, "name": client_id, "place_id": session_id}
    return db.session.scalars(_named(anywhere=session_id is None), values).first()


@cache
def _named(*, anywhere: bool) -> Select[Message]:
    """Made once: every message that is sent asks this, twice."""
    identity = Message.id.type
    named = (
        select(Message)
        .join(ChatSession, ChatSession.id == Message.session_id)
        .where(ChatSession.user_id == bindparam("owner_id", type_=identity), ChatSession.deleted_at.is_(None))
        .where(Message.client_id == bindparam("name", type_=identity))
    )
    if not anywhere:
        named = named.where(Message.session_id == bindparam("place_id", type_=identity))
    return named.order_by(Message.id).limit(1)


@cache
def _path() -> Select[MessageRole, str]:
    """Made once: building this statement takes longer than running it, and a first token waits for it."""
    start = select(Message.id, Message.parent_id, literal(1).label("depth"))
    path = start.where(Message.id == bindparam("leaf_id", type_=Message.id.type)).cte("path", recursive=True)
    parent = aliased(Message)
    step = select(parent.id, parent.parent_id, path.c.depth + 1)
    path = path.union_all(step.where(parent.id == path.c.parent_id, path.c.depth < bindparam("path_limit")))
    branch = select(Message.role, Message.text).join(path, path.c.id == Message.id).where(Message.deleted_at.is_(None))
    return branch.order_by(path.c.depth.desc())


@cache
def _user_revision() -> Select[int]:
    """Made once, as the next one: a client that comes back asks both."""
    return select(User.revision).where(User.id == bindparam("owner_id"))


@cache
def _changed_sessions() -> Select[ChatSession]:
    changed = ChatSession.user_revision > bindparam("held")
    rows = select(ChatSession).where(ChatSession.user_id == bindparam("owner_id"), changed)
    return rows.order_by(ChatSession.user_revision, ChatSession.id).limit(bindparam("most"))
