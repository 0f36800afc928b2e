"""Takes up runs that the database calls this process's own, though nothing here writes them.

A commit can succeed and its answer be lost, when the database dies just then: whoever sent the message is told to try
again and gets the one that is stored, but nobody was told to write its answer; a run that was claimed is nobody's
either. A run whose end could not be written for a fault of ours stays open in the same way.
"""

from __future__ import annotations

import structlog
from gevent.event import Event
from sqlalchemy import select

from zgpt.core.db import database_faults, db
from zgpt.core.errors import Unavailable
from zgpt.llm.base import Provider
from zgpt.runs import ending
from zgpt.runs.models import Run
from zgpt.runs.queries import OPEN
from zgpt.runs.recovery import checkpoint_of, take_up
from zgpt.runs.runner import Runner

LOOK_S = 4.0
"""A run that is a stray at two looks is one: between its commit and its first line here are milliseconds."""

log = structlog.get_logger(__name__)


class Strays:
    """One greenlet per process."""

    def __init__(self, runner: Runner, provider: Provider) -> None:
        self._runner = runner
        self._provider = provider
        self._seen: set[tuple[str, int]] = set()
        self._stopped = Event()

    def run(self) -> None:
        while not self._stopped.wait(LOOK_S):
            self._look_safely()

    def stop(self) -> None:
        self._stopped.set()

    def look(self) -> int:
        """Take up what was a stray at the look before already; returns how many runs."""
        owned = self._runner.write(self._owned)
        strays = {run for run in owned if not self._runner.has(run[0])}
        due, self._seen = dict(strays & self._seen), strays
        if not due:
            return 0
        claimed = self._runner.write(lambda: ending.claim_all(due, self._runner.owner, died=True))
        for run in claimed.values():
            log.warning("stray_taken_up", run_id=run.id, epoch=run.epoch)
            take_up(self._runner, self._provider, run, ending.head_of(run), checkpoint_of(run))
        return len(claimed)

    def _owned(self) -> list[tuple[str, int]]:
        rows = select(Run.id, Run.epoch).where(Run.owner == self._runner.owner, Run.status.in_(OPEN))
        with database_faults():
            return [(run_id, epoch) for run_id, epoch in db.session.execute(rows)]

    def _look_safely(self) -> None:
        try:
            self.look()
        except Unavailable:
            log.warning("strays_put_off")
        except Exception:
            # The next look finds the same; a greenlet that has ended would find nothing for ever.
            log.exception("strays_not_looked_for")
