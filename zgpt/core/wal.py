"""Moves SQLite's write-ahead log into the database file from a thread; nothing of it is needed for PostgreSQL.

SQLite does this by itself at the end of whichever commit finds the log too long: 4 MiB are copied and flushed to disk
while the event loop stands still, 5 to 9 ms in which no token moves (https://www.sqlite.org/wal.html, section 3). It
remains so for a log that grows faster than it is moved here, and for commands, whose commits nobody waits for.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import gevent
import structlog
from flask import Flask
from gevent.event import Event

from zgpt.core.config import Settings
from zgpt.core.db import db

EVERY_S = 2.0
"""At a thousand tokens a second in long answers the log grows by about 1 MiB a second: far from SQLite's own bound."""
BUSY_TIMEOUT_S = 0.25
_EXTENSION = "zgpt_wal_mover"

log = structlog.get_logger(__name__)


class WalMover:
    """One greenlet per process that serves; its thread works only when the log has changed."""

    def __init__(self, database: Path, every_s: float = EVERY_S) -> None:
        self._database = database
        self._wal = Path(f"{database}-wal")
        self._every_s = every_s
        self._moved_ns = 0
        self._stopped = Event()

    def run(self) -> None:
        """Until told to stop."""
        while not self._stopped.wait(self._every_s):
            self.move()

    def move(self) -> bool:
        """Move what no reader needs; False when that failed, or nothing was written since the last time."""
        changed_ns = self._wal.stat().st_mtime_ns if self._wal.exists() else 0
        if changed_ns == self._moved_ns:
            return False
        if fault := gevent.get_hub().threadpool.apply(_checkpoint, (self._database,)):
            # The next one, or SQLite itself, moves what this one left.
            log.warning("wal_not_moved", error=str(fault))
        self._moved_ns = changed_ns
        return fault is None

    def stop(self) -> None:
        self._stopped.set()


def start_wal_mover(app: Flask, settings: Settings) -> None:
    """In a process that serves from SQLite."""
    if not settings.is_sqlite:
        return
    with app.app_context():
        database = str(db.engine.url.database)
    mover = app.extensions[_EXTENSION] = WalMover(Path(database))
    gevent.spawn(mover.run)


def stop_wal_mover(app: Flask) -> None:
    """The process ends; who closes the database last moves the rest."""
    if mover := app.extensions.get(_EXTENSION):
        mover.stop()


def _checkpoint(database: Path) -> sqlite3.Error | None:
    """In a thread, whose faults would be printed there: they are returned."""
    try:
        with closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT_S)) as connection:
            # It waits for nobody and keeps nobody waiting: what a reader still needs stays for the next time.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.Error as fault:
        return fault
    return None
