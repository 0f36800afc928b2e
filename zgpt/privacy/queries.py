"""Reads of everything of one user, a page at a time. Each page is a transaction of its own: a reader may be slow."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table, literal, select, tuple_

from zgpt.auth.models import User
from zgpt.auth.queries import role_of_login
from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import database_faults, db
from zgpt.core.models import AuditEvent
from zgpt.privacy.belongings import owner_column, shown_columns
from zgpt.runs.models import Run

PAGE_ROWS = 100
PAGE_MESSAGES = 20
"""A message may be as long as a model writes; this many are in memory at once."""

Row = dict[str, Any]


def is_signed_in(user_id: str, login_id: str) -> bool:
    """Whether this login may still see what is the user's."""
    with database_faults():
        found = role_of_login(user_id, login_id) is not None
        db.session.rollback()
    return found


def account_of(user_id: str) -> Row | None:
    """The user's own row; None when it is gone."""
    columns = [column for column in User.__table__.columns if column.name != "password_hash"]
    with database_faults():
        found = db.session.execute(select(*columns).where(User.id == user_id)).mappings().first()
        db.session.rollback()
    return dict(found) if found else None


def user_id_of(email: str) -> str | None:
    """Whose e-mail this is."""
    return db.session.scalar(select(User.id).where(User.email == email.strip().lower()))


def rows_of(table: Table, user_id: str) -> Iterator[Row]:
    """The user's rows of a table, without secrets."""
    owner: Any = owner_column(table)
    keys = [key for key in table.primary_key.columns if key is not owner] or [owner]
    yield from _pages(select(*shown_columns(table), *_missing(table, keys)).where(owner == user_id), keys)


def audit_of(user_id: str) -> Iterator[Row]:
    """What the audit log tells of the user."""
    table = AuditEvent.__table__
    shown = (table.c.id, table.c.at, table.c.kind, table.c.ip, table.c.detail)
    yield from _pages(select(*shown).where(table.c.user_id == user_id), [table.c.id])


def sessions_of(user_id: str) -> Iterator[Row]:
    """The user's live sessions. Of deleted ones nothing is left but an id."""
    table = ChatSession.__table__
    hidden = ("user_id", "deleted_at")
    shown = [column for column in table.columns if column.name not in hidden]
    mine = select(*shown).where(table.c.user_id == user_id, table.c.deleted_at.is_(None))
    yield from _pages(mine, [table.c.id])


def messages_of(session_id: str) -> Iterator[Row]:
    """The messages of a session in the order of their making, each with the attempts to write it (`runs`)."""
    table = Message.__table__
    shown = [column for column in table.columns if column.name not in ("session_id", "deleted_at")]
    mine = select(*shown).where(table.c.session_id == session_id, table.c.deleted_at.is_(None))
    for page in _lists(mine, [table.c.id], PAGE_MESSAGES):
        runs = _runs_of([row["id"] for row in page])
        for row in page:
            yield {**row, "runs": [_without_copy(run, row) for run in runs if run["message_id"] == row["id"]]}


def _runs_of(message_ids: list[str]) -> list[Row]:
    table = Run.__table__
    shown = [column for column in table.columns if column.name not in ("user_id", "session_id", "owner")]
    with database_faults():
        rows = db.session.execute(select(*shown).where(table.c.message_id.in_(message_ids)).order_by(table.c.id))
        found = [dict(row) for row in rows.mappings()]
        db.session.rollback()
    return found


def _without_copy(run: Row, message: Row) -> Row:
    """What was kept of an attempt is told only where the message does not hold it."""
    copies = {"text_kept": message["text"], "reasoning_kept": message["reasoning"]}
    hidden = {"message_id", *(name for name, text in copies.items() if run[name] in ("", text))}
    return {name: value for name, value in run.items() if name not in hidden}


def _pages(wanted: Any, keys: list[Any]) -> Iterator[Row]:
    for page in _lists(wanted, keys, PAGE_ROWS):
        yield from page


def _lists(wanted: Any, keys: list[Any], limit: int) -> Iterator[list[Row]]:
    """Pages by what tells the rows of one user apart."""
    wanted = wanted.order_by(*keys).limit(limit)
    last: Row | None = None
    while True:
        page = wanted if last is None else wanted.where(_behind(keys, last))
        with database_faults():
            rows = [dict(row) for row in db.session.execute(page).mappings()]
            db.session.rollback()
        if rows:
            yield rows
        if len(rows) < limit:
            return
        last = rows[-1]


def _behind(keys: list[Any], row: Row) -> Any:
    return tuple_(*keys) > tuple_(*[literal(row[key.name], key.type) for key in keys])


def _missing(table: Table, keys: list[Any]) -> list[Any]:
    shown = {column.name for column in shown_columns(table)}
    return [key for key in keys if key.name not in shown]
