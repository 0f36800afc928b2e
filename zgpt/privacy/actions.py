"""Deletes what is old, in small transactions, and notes in the audit log what left the house. Reads are in `queries`.

Each step takes a few rows, commits, and begins again: it may be cut off anywhere, and the next time goes on.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, CursorResult, Executable, Select, delete, exists, or_, select
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

from zgpt.auth.models import Login, Ticket
from zgpt.chat.actions import delete_session
from zgpt.chat.models import ChatSession, Message
from zgpt.core import audit, clock, metrics
from zgpt.core.config import settings
from zgpt.core.db import db, transaction
from zgpt.core.errors import NotFound
from zgpt.privacy.formats import Format
from zgpt.runs.models import Run
from zgpt.runs.queries import OPEN

AT_ONCE = 20
"""Sessions in one look: each is deleted by itself, so that its viewers are told."""
ROWS_AT_ONCE = 500
FOR_S = 60.0
"""One go of pruning takes no longer; what is left is for the next."""
LOGIN_DAYS = 30
"""An ended login is shown among the devices for a while, and a stolen token of it is still noticed."""
TICKET_DAYS = 1
GRACE_DAYS = 1

log = structlog.get_logger(__name__)


def note_export(user_id: str, form: Format, by: str) -> None:
    """Say in the audit log that somebody took everything of this user out."""
    with transaction():
        audit.record("data_exported", user_id, form=form, by=by)


def prune() -> dict[str, int]:
    """Delete what is older than the settings and the constants here allow; how many rows, by what they were."""
    until_s = clock.monotonic() + FOR_S
    steps: dict[str, Callable[[], Iterator[int]]] = {
        "untouched_sessions": _untouched_sessions,
        "deleted_sessions": _tombstones,
        "ended_logins": lambda: _old(Login, Login.id, _login_is_old()),
        "spent_tickets": lambda: _old(Ticket, Ticket.id, Ticket.expires_at < _days_ago(TICKET_DAYS)),
    }
    pruned = {name: _count(name, step(), until_s) for name, step in steps.items()}
    if any(pruned.values()):
        with transaction():
            audit.record("data_pruned", None, **pruned)
        log.info("pruned", **pruned)
    return pruned


def _count(name: str, batches: Iterator[int], until_s: float) -> int:
    total = 0
    for number in batches:
        total += number
        metrics.PRUNED.labels(name).inc(number)
        if clock.monotonic() >= until_s:
            break
    return total


def _untouched_sessions() -> Iterator[int]:
    """Sessions that nobody has touched for RETENTION_DAYS, in the way in which their owner would delete them."""
    if settings().retention_days is None:
        return
    before = _days_ago(settings().retention_days or 0)
    while ids := _ids(select(ChatSession.id, ChatSession.user_id).where(*_untouched(before)).limit(AT_ONCE)):
        yield sum(_forget(session_id, user_id, before) for session_id, user_id in ids)


def _untouched(before: datetime) -> tuple[ColumnElement[bool], ...]:
    is_written = exists().where(Run.session_id == ChatSession.id, Run.status.in_(OPEN))
    return (ChatSession.deleted_at.is_(None), ChatSession.updated_at < before, ~is_written)


def _forget(session_id: str, user_id: str, before: datetime) -> int:
    """Delete it, unless it was touched since it was found."""
    with transaction():
        same = select(ChatSession.id).where(ChatSession.id == session_id, *_untouched(before)).with_for_update()
        if db.session.scalar(same) is None:
            return 0
        try:
            delete_session(user_id, session_id)
        except NotFound:
            return 0
    return 1


def _tombstones() -> Iterator[int]:
    """Rows of deleted sessions, once no device can be left that has to hear of the deletion.

    A login ends for good after REFRESH_TOKEN_DAYS, and who signs in anew asks for everything.
    """
    before = _days_ago(settings().refresh_token_days + GRACE_DAYS)
    while ids := _ids(select(ChatSession.id).where(ChatSession.deleted_at < before).limit(AT_ONCE)):
        for (session_id,) in ids:
            # Answers refer to their questions: the newest go first.
            newest = select(Message.id).where(Message.session_id == session_id).order_by(Message.id.desc())
            while _delete(Message, Message.id, newest.limit(ROWS_AT_ONCE)) == ROWS_AT_ONCE:
                yield 0
            with transaction():
                db.session.execute(delete(ChatSession).where(ChatSession.id == session_id))
            yield 1


def _login_is_old() -> ColumnElement[bool]:
    before = _days_ago(LOGIN_DAYS)
    return or_(Login.revoked_at < before, Login.expires_at < before)


def _old(table: type[DeclarativeBase], key: InstrumentedAttribute[str], is_old: ColumnElement[bool]) -> Iterator[int]:
    found = select(key).where(is_old).limit(ROWS_AT_ONCE)
    while number := _delete(table, key, found):
        yield number


def _delete(table: type[DeclarativeBase], key: InstrumentedAttribute[str], found: Select[str]) -> int:
    with transaction():
        some = delete(table).where(key.in_(found)).execution_options(synchronize_session=False)
        result = db.session.execute(some)
        return result.rowcount if isinstance(result, CursorResult) else 0


def _ids(wanted: Executable) -> list[tuple[str, ...]]:
    rows = [tuple(row) for row in db.session.execute(wanted)]
    db.session.rollback()
    return rows


def _days_ago(days: int) -> datetime:
    return clock.now() - timedelta(days=days)
