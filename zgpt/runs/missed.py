"""Brings the viewers of this process up to date when Redis may have lost what the others said; others are told nothing.

The revisions do the work: each viewer gets the newest change of what it looks at. Who has all before it applies or
ignores it, who has not sees the gap and asks. Runs that ended unheard get their end from the database, and logins that
ended unheard are closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import gevent
import structlog
from flask import Flask
from gevent.event import Event as Signal
from sqlalchemy import select

from zgpt.auth.queries import is_live
from zgpt.chat.models import ChatSession, Message
from zgpt.chat.schemas import session_json
from zgpt.core.db import database_faults, db
from zgpt.core.errors import Unavailable
from zgpt.realtime import close_codes
from zgpt.realtime.hub import Hub
from zgpt.realtime.protocol import (
    Event,
    MessageCreated,
    MessageDeleted,
    SessionDeleted,
    SessionUpdated,
    encode_event,
)
from zgpt.runs import ending
from zgpt.runs.models import Run
from zgpt.runs.queries import OPEN, runs_of
from zgpt.runs.schemas import written_json

SILENT_S = 6.0
"""A run of another process that is followed here speaks every 2 s."""
LOOK_S = 2.0
AT_ONCE = 50
PAUSE_S = 0.02
"""Users are brought up to date fifty at a time, with room between for everybody else."""
TRIES = 30
RETRY_S = 1.0

log = structlog.get_logger(__name__)


class Missed:
    """One per process that listens to Redis."""

    def __init__(self, app: Flask, hub: Hub, silent_runs: Callable[[float], list[str]]) -> None:
        self._app = app
        self._hub = hub
        self._silent_runs = silent_runs
        self._at_work = self._again = False
        self._stopped = Signal()

    def run(self) -> None:
        """Look after runs that have gone silent, for as long as the process lives."""
        while not self._stopped.wait(LOOK_S):
            if silent := self._silent_runs(SILENT_S):
                self._patiently(lambda: self._settle(silent), tries=1)

    def stop(self) -> None:
        self._stopped.set()

    def catch_up(self) -> None:
        """Events may have been lost: make everybody here see it. Asked again meanwhile, it is done again afterwards."""
        self._again = True
        if self._at_work:
            return
        self._at_work = True
        try:
            while self._again:
                self._again = False
                self._catch_up()
        finally:
            self._at_work = False

    def _catch_up(self) -> None:
        audience = self._hub.audience()
        log.info("catching_up", users=len(audience))
        for start in range(0, len(audience), AT_ONCE):
            for user_id, (logins, sessions) in audience[start : start + AT_ONCE]:
                self._patiently(lambda u=user_id, n=logins, s=sessions: self._tell(u, n, s))  # type: ignore[misc]
            gevent.sleep(PAUSE_S)
        followed = self._silent_runs(0.0)
        self._patiently(lambda: self._settle(followed))

    def _patiently(self, act: Callable[[], None], tries: int = TRIES) -> None:
        for _ in range(tries):
            try:
                with self._app.app_context(), database_faults():
                    return act()
            except Unavailable:
                gevent.sleep(RETRY_S)
            except Exception:
                log.exception("catch_up_failed")
                return None
        return None

    def _tell(self, user_id: str, logins: Iterable[str], sessions: Iterable[str]) -> None:
        for login_id in logins:
            if not is_live(user_id, login_id):
                self._hub.login_revoked(user_id, login_id, close_codes.LOGIN_ENDED)
        for session in db.session.scalars(select(ChatSession).where(ChatSession.id.in_(list(sessions)))):
            if event := _newest_of(session):
                self._hub.event_published(user_id, session.id, encode_event(event))
        changed = select(ChatSession).where(ChatSession.user_id == user_id)
        newest = db.session.scalars(changed.order_by(ChatSession.user_revision.desc()).limit(1)).first()
        if newest is not None:
            self._hub.event_published(user_id, None, encode_event(_listed(newest)))

    def _settle(self, run_ids: list[str]) -> None:
        """End here what has ended elsewhere; forget what is gone."""
        found = {run.id: run for run in db.session.scalars(select(Run).where(Run.id.in_(run_ids)))}
        for run_id in run_ids:
            live, run = self._hub.live_run(run_id), found.get(run_id)
            if live is None or live.end is not None or (run is not None and run.status in OPEN):
                continue
            message = db.session.get(Message, run.message_id) if run is not None else None
            if run is None or message is None or message.deleted_at is not None:
                self._hub.run_dropped(run_id, live.head.epoch)
            else:
                self._hub.run_ended(run_id, live.head.epoch, ending.completed_event(run, message))


def _newest_of(session: ChatSession) -> Event | None:
    """The newest change of a session, as its viewers would have been told; None when that was no message."""
    if session.deleted_at is not None:
        return None
    at_top = select(Message).where(Message.session_id == session.id, Message.revision == session.revision)
    message = db.session.scalars(at_top).first()
    if message is None:
        return None
    if message.deleted_at is not None:
        return MessageDeleted(session.id, message.id, message.revision)
    run = runs_of([message]).get(message.id)
    return MessageCreated(session.id, message.revision, written_json(message, run))


def _listed(session: ChatSession) -> Event:
    if session.deleted_at is not None:
        return SessionDeleted(session.id, session.user_revision)
    return SessionUpdated(session_json(session), session.user_revision)
