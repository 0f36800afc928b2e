"""Brings the viewers of this process up to date when Redis may have lost what the others said; others are told nothing.

The revisions do the work: each viewer gets the newest change of what it looks at (`news`). Who has all before it
applies or ignores it, who has not sees the gap and asks. Runs that ended unheard get their end from the database, and
logins that ended unheard are closed. A database that is away is waited for: nobody else would tell them.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
import structlog
from flask import Flask
from gevent.event import Event as Signal

from zgpt.core.db import database_faults
from zgpt.core.errors import Unavailable
from zgpt.realtime import close_codes
from zgpt.realtime.hub import Hub
from zgpt.realtime.protocol import SessionDeleted, SessionUpdated, encode_event
from zgpt.runs.news import ends_of, news_for

SILENT_S = 6.0
"""A run of another process that is followed here speaks every 2 s."""
LOOK_S = 2.0
AT_ONCE = 20
PAUSE_S = 0.02
"""Users are brought up to date twenty at a time, with room between for everybody else."""
RETRY_S = 1.0

log = structlog.get_logger(__name__)
Audience = list[tuple[str, tuple[set[str], set[str]]]]
"""See Hub.audience: users, each with the logins and the open sessions of their connections."""


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
                self._patiently(lambda: self._settle(silent))

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
            some = audience[start : start + AT_ONCE]
            self._patiently(lambda some=some: self._tell(some))  # type: ignore[misc]
            gevent.sleep(PAUSE_S)
        followed = self._silent_runs(0.0)
        self._patiently(lambda: self._settle(followed))

    def _patiently(self, act: Callable[[], None]) -> None:
        """Again and again while the database is away; a fault of ours with some must not keep the others from it."""
        while not self._stopped.is_set():
            try:
                with self._app.app_context(), database_faults():
                    return act()
            except Unavailable:
                self._stopped.wait(RETRY_S)
            except Exception:
                # A fault of ours with some of them: the others are still to be told.
                log.exception("catch_up_failed")
                return None
        return None

    def _tell(self, some: Audience) -> None:
        logins = {(user_id, login_id) for user_id, (logins, _) in some for login_id in logins}
        places = {session_id: user_id for user_id, (_, sessions) in some for session_id in sessions}
        news = news_for([login_id for _, login_id in logins], [user_id for user_id, _ in some], places, ())
        for user_id, login_id in logins - news.logins:
            self._hub.login_revoked(user_id, login_id, close_codes.LOGIN_ENDED)
        for session_id, found in news.sessions.items():
            # What is no message is told to the list.
            if not isinstance(found.newest, SessionUpdated | SessionDeleted):
                self._hub.event_published(places[session_id], session_id, encode_event(found.newest))
        for user_id, listed in news.lists.items():
            self._hub.event_published(user_id, None, encode_event(listed))

    def _settle(self, run_ids: list[str]) -> None:
        """End here what has ended elsewhere; forget what is gone."""
        for run_id, end in ends_of(run_ids).items():
            live = self._hub.live_run(run_id)
            if live is None or live.end is not None:
                continue
            if end is None:
                self._hub.run_dropped(run_id, live.head.epoch)
            else:
                self._hub.run_ended(run_id, live.head.epoch, end)
