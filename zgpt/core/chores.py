"""What one of all processes does now and then: by a row with the time when it is due. Not what they do.

The row is claimed by moving that time on, in one statement: no two processes do a chore together, none waits for a
lock, and one that dies in the middle has only put it off until it is due again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import gevent
import structlog
from flask import Flask
from gevent.event import Event
from sqlalchemy import select, update

from zgpt.core import clock, metrics
from zgpt.core.db import database_faults, db, transaction
from zgpt.core.errors import Unavailable
from zgpt.core.models import Chore

LOOK_S = 60.0
_EXTENSION = "zgpt_chores"
_RUNNER = "zgpt_chore_runner"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """`act` is called in an app context. It must end well within `every_s`, and may be cut off anywhere."""

    every_s: float
    act: Callable[[], object]


def add_chore(app: Flask, name: str, every_s: float, act: Callable[[], object]) -> None:
    """Have it done; `name` is a row that a migration made."""
    app.extensions.setdefault(_EXTENSION, {})[name] = Work(every_s, act)


def chores_of(app: Flask) -> dict[str, Work]:
    """All chores by name."""
    return cast("dict[str, Work]", app.extensions.get(_EXTENSION, {}))


def start_chores(app: Flask) -> None:
    """In a process that serves: look after the chores, in a greenlet of its own."""
    runner = app.extensions[_RUNNER] = ChoreRunner(app)
    gevent.spawn(runner.run)


def stop_chores(app: Flask) -> None:
    """The process ends."""
    app.extensions[_RUNNER].stop()


class ChoreRunner:
    """One per process."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stopped = Event()

    def run(self) -> None:
        """Look once a minute, until told to stop."""
        while not self._stopped.wait(LOOK_S):
            for name in chores_of(self._app):
                with self._app.app_context():
                    do_if_due(self._app, name)

    def stop(self) -> None:
        self._stopped.set()


def do_if_due(app: Flask, name: str) -> bool:
    """Do it if it is due and nobody else has claimed it; whether it was done here. What it raises is logged."""
    work = chores_of(app)[name]
    try:
        with database_faults():
            if not _claim(name, work.every_s):
                return False
            work.act()
    except Unavailable:
        metrics.CHORES.labels(name, "put_off").inc()
        log.warning("chore_put_off", name=name)
        return False
    except Exception:
        # One chore that breaks must not end the clock of all chores.
        metrics.CHORES.labels(name, "failed").inc()
        log.exception("chore_failed", name=name)
        return False
    metrics.CHORES.labels(name, "done").inc()
    return True


def _claim(name: str, every_s: float) -> bool:
    now = clock.now()
    due = (Chore.name == name) & (Chore.due_at <= now)
    waiting = db.session.scalar(select(Chore.name).where(due))
    db.session.rollback()
    if waiting is None:
        return False
    with transaction():
        moved = update(Chore).where(due).values(due_at=now + timedelta(seconds=every_s)).returning(Chore.name)
        return db.session.scalar(moved) is not None
