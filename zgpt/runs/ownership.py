"""Whether the runs of this process are still its own, asked of the database every second. `takeover` takes others.

Redis fences what is written; this is for when Redis is away, for a process that was frozen, and for a stop that Redis
lost. While Redis is away the text is kept here before it is said to be ours: who takes over finds all that was shown.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from gevent.event import Event
from sqlalchemy import select

from zgpt.core import clock
from zgpt.core.db import database_faults, db
from zgpt.core.errors import Unavailable
from zgpt.runs import ending
from zgpt.runs.models import Run
from zgpt.runs.queries import OPEN
from zgpt.runs.runner import Runner

CHECK_S = 1.0
CHECK_AWAY_S = 0.25
"""While Redis is away text may have to wait for a check until it is shown; more often would cost the database more
than the eye gains."""

log = structlog.get_logger(__name__)


class Ownership:
    """One greenlet per process. `confirmed` gets the (monotonic) time at which every run was still ours.

    `is_away`: nobody but the database can hold what is shown.
    """

    def __init__(
        self,
        runner: Runner,
        confirmed: Callable[[float], None],
        abandoned: Callable[[str, int], None],
        is_away: Callable[[], bool],
    ) -> None:
        self._runner = runner
        self._confirmed = confirmed
        self._abandoned = abandoned
        self._is_away = is_away
        self._stopped = Event()

    def run(self) -> None:
        while not self._stopped.wait(CHECK_AWAY_S if self._is_away() else CHECK_S):
            self.check()

    def stop(self) -> None:
        self._stopped.set()

    def check(self) -> None:
        """Abandon what another process has taken, stop what was asked to stop, and confirm the rest."""
        began_s = clock.monotonic()
        try:
            active = self._runner.active()
            if self._is_away():
                self._runner.write(lambda: ending.save_checkpoints(active))
            self._compare({run.head.run_id: run.head.epoch for run in active})
            self._confirmed(began_s)
        except Unavailable:
            log.warning("ownership_not_known")
        except Exception:
            # The next check asks again; what stays unconfirmed too long is stopped by that.
            log.exception("ownership_not_checked")

    def _compare(self, epochs: dict[str, int]) -> None:
        mine = self._runner.write(self._mine)
        for run_id in epochs.keys() - mine.keys():
            self._look_at(run_id, epochs[run_id])
        for run_id, epoch in epochs.items():
            if run_id in mine and mine[run_id][0] > epoch:
                self._look_at(run_id, epoch)
            elif run_id in mine and mine[run_id][1]:
                self._runner.stop(run_id)

    def _mine(self) -> dict[str, tuple[int, bool]]:
        rows = select(Run.id, Run.epoch, Run.stop_requested_at).where(
            Run.owner == self._runner.owner, Run.status.in_(OPEN)
        )
        with database_faults():
            return {run_id: (epoch, stop_at is not None) for run_id, epoch, stop_at in db.session.execute(rows)}

    def _look_at(self, run_id: str, epoch: int) -> None:
        """It is not among ours: it has just ended, or somebody has claimed it with another epoch."""

        def now() -> int | None:
            with database_faults():
                return db.session.scalar(select(Run.epoch).where(Run.id == run_id))

        found = self._runner.write(now)
        if found is not None and found > epoch:
            self.abandon(run_id, epoch)

    def abandon(self, run_id: str, epoch: int) -> None:
        """Let go of a run that another process writes."""
        self._abandoned(run_id, epoch)
        self._runner.abandon(run_id, epoch)
