"""Takes over the runs of processes that are gone, while this one lives. What is done with a taken run is in `recovery`.

A process is gone when it has died on this machine, or when its lease in Redis has expired; a run without an owner was
let go. Of several that try, the database lets one win; then Redis fences the old owner off and hands out what was shown
last, in one step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import gevent
import structlog
from gevent.event import Event
from gevent.pool import Pool
from sqlalchemy import or_, select

from zgpt.core import clock, metrics
from zgpt.core.db import database_faults, db
from zgpt.core.errors import Unavailable
from zgpt.llm.base import Provider
from zgpt.realtime.redis_link import RedisAway
from zgpt.runs import ending
from zgpt.runs.models import Run
from zgpt.runs.queries import OPEN
from zgpt.runs.recovery import checkpoint_of, take_up
from zgpt.runs.runner import Runner

LOOK_S = 0.6
"""Between two looks, give or take a third: several processes must not look in step."""
STEADY_S = 2.0
"""After trouble with Redis the others need a moment to renew their leases: until then nobody is taken for dead."""
FROZEN_S = 2.0
"""A look that comes this late means that this process stood still: what it knows is old."""
FENCE_TRIES = 5
FENCE_PAUSE_S = 0.3
AT_A_TIME = 8
"""Taken runs that are asked of Redis and begun side by side."""
AT_ONCE = 20
"""Claimed in one go; what is left is for the others, who look at the same time."""

log = structlog.get_logger(__name__)
Found = tuple[str, int, str | None]
"""A run that nobody writes any more: id, epoch, and who did."""


def _nobody(_process_ids: Sequence[str]) -> set[str]:
    return set()


class Log(Protocol):
    """What is needed of the broker."""

    process_id: str

    def living(self, process_ids: Sequence[str]) -> set[str]: ...

    def take_run(self, run_id: str, epoch: int) -> dict[str, bytes] | None: ...


class Takeover:
    """One greenlet per process."""

    def __init__(
        self, runner: Runner, provider: Provider, log_of_runs: Log, dead: Callable[[Sequence[str]], set[str]] = _nobody
    ) -> None:
        """`dead` names those of some processes that have died for sure, so that nobody waits for their leases."""
        self._runner = runner
        self._provider = provider
        self._log = log_of_runs
        self._dead = dead
        self._steady_since_s = clock.monotonic()
        self._stopped = False
        self._wake = Event()

    def run(self) -> None:
        while not self._stopped:
            due_s = LOOK_S * random.uniform(0.67, 1.33)  # noqa: S311 # nosec B311 # spreads the load
            began_s = clock.monotonic()
            self._wake.wait(due_s)
            self._wake.clear()
            if clock.monotonic() - began_s > due_s + FROZEN_S:
                self._unsteady()
            if not self._stopped:
                self._safely(self.look)

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()

    def wake(self) -> None:
        """Somebody has let runs go."""
        self._wake.set()

    def look(self) -> int:
        """Take what nobody writes any more; returns how many runs."""
        owners = self._runner.write(self._owners)
        gone = self._gone(owners)
        if not gone and None not in owners:
            return 0
        runs = self._runner.write(lambda: _runs_of(gone, released=None in owners))
        random.shuffle(runs)
        taken = self._take_all(runs[:AT_ONCE])
        if len(runs) > AT_ONCE:
            self._wake.set()
        return taken

    def _take_all(self, runs: list[Found]) -> int:
        """Claimed together and begun several at a time: all of their viewers wait for it."""
        owner = self._runner.owner
        owners = {run_id: from_owner for run_id, _, from_owner in runs}
        claimed = self._runner.write(lambda: ending.claim_all({run_id: epoch for run_id, epoch, _ in runs}, owner))
        self._runner.coming.update(claimed)
        pool = Pool(AT_A_TIME)
        for run in claimed.values():
            pool.spawn(self._safely, partial(self._take, run, owners[run.id]))
        pool.join()
        self._runner.coming.difference_update(claimed)
        return len(claimed)

    def _owners(self) -> set[str | None]:
        """The other processes that have open runs; None when there are some without an owner."""
        owners = select(Run.owner).where(Run.status.in_(OPEN)).distinct()
        with database_faults():
            return set(db.session.scalars(owners)) - {self._runner.owner}

    def _gone(self, owners: set[str | None]) -> list[str]:
        """Those that have died here, or whose lease has expired as far as this process can judge.

        Nobody while Redis is away: it has what they showed last.
        """
        named = [owner for owner in owners if owner is not None]
        if not named:
            return []
        try:
            living = self._log.living([self._log.process_id, *named])
        except RedisAway:
            self._unsteady()
            return []
        if self._log.process_id not in living:
            self._unsteady()
        dead = self._dead(named)
        if clock.monotonic() - self._steady_since_s < STEADY_S:
            return list(dead)
        return [owner for owner in named if owner in dead or owner not in living]

    def _take(self, run: Run, from_owner: str | None) -> None:
        metrics.RUNS_TAKEN.inc()
        kept = self._kept(run, from_owner)
        log.info("run_taken", run_id=run.id, epoch=run.epoch, owner=from_owner, bytes=_size(kept))
        active = take_up(self._runner, self._provider, run, ending.head_of(run), kept)
        # What came from Redis is not in the database yet, or only in part: the next checkpoint writes it.
        active.saved_bytes = 0

    def _kept(self, run: Run, from_owner: str | None) -> dict[str, bytes]:
        """The longer of what the log and the database hold of a run that was claimed.

        Redis answered a moment ago: it is worth some patience. Who let go has kept everything.
        """
        checkpoint = checkpoint_of(run)
        for _ in range(FENCE_TRIES):
            try:
                logged = self._log.take_run(run.id, run.epoch) or {}
            except RedisAway:
                if from_owner is None:
                    break
                gevent.sleep(FENCE_PAUSE_S)
                continue
            return max(checkpoint, logged, key=_size)
        return checkpoint

    def _unsteady(self) -> None:
        self._steady_since_s = clock.monotonic()

    def _safely(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Unavailable:
            log.warning("takeover_put_off")
        except Exception:
            # The next look tries again; without it nobody here would take up what dies.
            log.exception("takeover_failed")


def _runs_of(owners: list[str], *, released: bool) -> list[Found]:
    """Without their texts: there may be many more than are taken at once."""
    whose = Run.owner.in_(owners)
    rows = select(Run.id, Run.epoch, Run.owner).where(Run.status.in_(OPEN))
    with database_faults():
        found = db.session.execute(rows.where(or_(whose, Run.owner.is_(None)) if released else whose))
        return [(run_id, epoch, owner) for run_id, epoch, owner in found]


def _size(texts: dict[str, bytes]) -> int:
    return sum(map(len, texts.values()))
