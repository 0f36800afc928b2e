"""Keeps the text of running answers in the database: every second, or sooner when much has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import structlog
from gevent.event import Event

from zgpt.core.errors import Unavailable
from zgpt.runs.active import ActiveRun

SHORTEST_PAUSE_S = 0.1
"""However fast models write, ten checkpoints a second are enough: each writes the whole text of its runs."""

SLICE_BYTES = 131_072
SLICE_RUNS = 64
"""Of one transaction. SQLite stops the loop while it writes, and every stream with it: about 20 µs per run and 8 µs per
KiB, so that one slice takes 1 to 2 ms, however many answers are open. One answer is not divided: 1 MiB takes 8 ms."""
BREATH_S = 0.002
"""Between two slices, for the tokens that came meanwhile."""

log = structlog.get_logger(__name__)


class Checkpointer:
    """One greenlet per process. A checkpoint that fails is not lost: the next one carries the same text and more."""

    def __init__(
        self,
        active: Callable[[], Iterable[ActiveRun]],
        save: Callable[[list[ActiveRun]], None],
        urgent: Event,
        every_s: float,
    ) -> None:
        self._active = active
        self._save = save
        self._urgent = urgent
        self._every_s = every_s
        self._stopped = Event()

    def run(self) -> None:
        pause_s = min(SHORTEST_PAUSE_S, self._every_s)
        while not self._stopped.wait(pause_s):
            self._urgent.wait(self._every_s - pause_s)
            self._urgent.clear()
            self.save_now()

    def stop(self) -> None:
        self._stopped.set()
        self._urgent.set()

    def save_now(self) -> None:
        """One checkpoint of every run that has text which is not kept yet, a slice at a time."""
        for runs in _slices(run for run in self._active() if _is_unsaved(run)):
            # An answer may have ended while the slices before this one were written.
            if not self._save_slice([run for run in runs if _is_unsaved(run)]) or self._stopped.wait(BREATH_S):
                return

    def _save_slice(self, runs: list[ActiveRun]) -> bool:
        """False when there is no use in trying the next slice."""
        try:
            if runs:
                self._save(runs)
        except Unavailable:
            log.warning("checkpoint_put_off", runs=len(runs))
            return False
        except Exception:
            # The text is in memory and in the broker still, and the next checkpoint carries all of it.
            log.exception("checkpoint_failed", runs=len(runs))
        return True


def _is_unsaved(run: ActiveRun) -> bool:
    return run.size != run.saved_bytes and run.outcome is None


def _slices(runs: Iterable[ActiveRun]) -> Iterator[list[ActiveRun]]:
    """Runs in groups whose text is written in one go; a longer text is a group of its own."""
    group: list[ActiveRun] = []
    size = 0
    for run in runs:
        if group and (size + run.size > SLICE_BYTES or len(group) == SLICE_RUNS):
            yield group
            group, size = [], 0
        group.append(run)
        size += run.size
    if group:
        yield group
