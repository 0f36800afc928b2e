"""A process without Redis: it takes up what the one before it left, also when that one still lives as this one starts.

Two processes are there only while one takes the place of the other. Whose runs are whose stands in the database, and
who lives is asked over the sockets of the handover.
"""

from __future__ import annotations

from typing import Final

import gevent
import structlog
from flask import Flask

from zgpt.core.config import settings
from zgpt.core.db import database_faults
from zgpt.core.errors import Unavailable
from zgpt.realtime.handover_folder import folder_of
from zgpt.realtime.handover_leave import living
from zgpt.runs.recovery import recover

LOOK_S: Final = 1.0
"""How long an answer may stand still when the process before this one was killed before it could let go."""

log = structlog.get_logger(__name__)


def start(app: Flask) -> None:
    """Take up what nobody owns, and what is left by processes that still live, once they do not."""
    if before := _take_up(app):
        gevent.spawn(_outlive, app, before)


def take_up_released(app: Flask) -> None:
    """A process that lives has let its runs go."""
    try:
        _take_up(app)
    except Unavailable:
        log.warning("released_runs_put_off")


def _outlive(app: Flask, before: set[str]) -> None:
    while before:
        gevent.sleep(LOOK_S)
        try:
            before &= _take_up(app)
        except Unavailable:
            log.warning("inheritance_put_off")
        except Exception:
            # Without this greenlet nobody would take up the runs that the others leave.
            log.exception("inheritance_failed")


def _take_up(app: Flask) -> set[str]:
    """Take up the runs of all who are gone; returns the process ids of those who are not."""
    with app.app_context(), database_faults():
        alive = {one.status.process_id for one in living(folder_of(settings().instance_dir))}
        recover(app.extensions["runs"], app.extensions["provider"], alive)
        return alive
