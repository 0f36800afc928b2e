"""How a single process without Redis hears what an operator's command did to an account in the database.

With Redis the command tells all processes itself (`broker.revoke`), and what was missed is found by `runs.missed`.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from flask import Flask
from gevent.event import Event as Signal

from zgpt.auth.queries import changed_since
from zgpt.auth.signals import account_disabling
from zgpt.core import clock
from zgpt.core.db import database_faults, transaction
from zgpt.core.errors import Unavailable
from zgpt.realtime import close_codes
from zgpt.realtime.hub import Hub

LOOK_S = 0.5
"""Sockets of a shut-out account close within a second; one look by an index costs a tenth of a millisecond."""
LATE_S = 10.0
"""A change is stamped before it is committed, and clocks of two programs on one machine agree."""

log = structlog.get_logger(__name__)


class AccountWatch:
    """Looks twice a second, for as long as the process lives."""

    def __init__(self, app: Flask, hub: Hub) -> None:
        self._app = app
        self._hub = hub
        self._stopped = Signal()
        self._begun = clock.now()
        self._seen: dict[str, object] = {}

    def run(self) -> None:
        while not self._stopped.wait(LOOK_S):
            self._look_safely()

    def stop(self) -> None:
        self._stopped.set()

    def look(self) -> None:
        """Close the sockets of whoever was shut out, and send those with another role away to come back with it."""
        since = max(self._begun, clock.now() - timedelta(seconds=LATE_S))
        changed = changed_since(since)
        for user_id, at, disabled in changed:
            if self._seen.get(user_id) != at:
                self._tell(user_id, disabled=disabled)
        self._seen = {user_id: at for user_id, at, _ in changed}

    def _tell(self, user_id: str, *, disabled: bool) -> None:
        self._hub.login_revoked(user_id, None, close_codes.LOGIN_ENDED if disabled else close_codes.RESYNC)
        if disabled:
            with transaction() as after:
                account_disabling.send(user_id, after=after)

    def _look_safely(self) -> None:
        try:
            with self._app.app_context(), database_faults():
                self.look()
        except Unavailable:
            pass
        except Exception:
            # The next look asks for the same again; a watch that has ended would find nothing for ever.
            log.exception("account_watch_failed")
