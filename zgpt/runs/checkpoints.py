"""Keeps the text of running answers in the database: every second, or sooner when much has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from gevent.event import Event

from zgpt.core.errors import Unavailable
from zgpt.runs.active import ActiveRun

SHORTEST_PAUSE_S = 0.1
"""However fast models write, ten checkpoints a second are enough: each writes the whole text of its runs."""

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
        """One checkpoint of every run that has text which is not kept yet."""
        unsaved = [run for run in self._active() if run.size != run.saved_bytes and run.outcome is None]
        if not unsaved:
            return
        try:
            self._save(unsaved)
        except Unavailable:
            log.warning("checkpoint_put_off", runs=len(unsaved))
        except Exception:
            # The text is in memory and in the broker still, and the next checkpoint carries all of it.
            log.exception("checkpoint_failed", runs=len(unsaved))
