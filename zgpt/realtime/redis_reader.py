"""Brings runs of other processes into this one's hub, whole, from the log in Redis; `redis_ear` knows when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import gevent
from gevent import Greenlet

from zgpt.realtime.live import PARTS, LiveRun, RunHead
from zgpt.realtime.redis_link import RedisAway
from zgpt.realtime.redis_log import Texts


class Shelf(Protocol):
    """Where the runs are put: the hub."""

    def live_run(self, run_id: str) -> LiveRun | None: ...

    def run_opened(self, head: RunHead, kept: Mapping[str, bytes]) -> None: ...

    def text_appended(self, run_id: str, epoch: int, part: str, at: int, data: bytes) -> None: ...


class RunReader:
    """One read at a time per run; who asks meanwhile gets another one behind it: the first may have come too early."""

    def __init__(self, here: Shelf, read_run: Callable[[str, int], Texts | None]) -> None:
        self._here = here
        self._read_run = read_run
        self._loads: dict[str, Greenlet[..., None]] = {}
        self._again: dict[str, RunHead] = {}

    def load(self, head: RunHead) -> Greenlet[..., None]:
        """Have what the log holds of the run here; the greenlet ends when it is, or when it cannot be had now."""
        load = self._loads.get(head.run_id)
        if load is None:
            load = self._loads[head.run_id] = gevent.spawn(self._read, head)
        else:
            waiting = self._again.get(head.run_id)
            self._again[head.run_id] = head if waiting is None or waiting.epoch < head.epoch else waiting
        return load

    def lacks(self, head: RunHead) -> bool:
        """Whether this epoch of the run is not here."""
        run = self._here.live_run(head.run_id)
        return run is None or run.head.epoch < head.epoch

    def _read(self, head: RunHead) -> None:
        wanted: RunHead | None = head
        try:
            while wanted is not None:
                texts = self._read_run(head.run_id, wanted.epoch)
                if texts is not None:
                    self._take(wanted, texts)
                wanted = self._again.pop(head.run_id, None)
        except RedisAway:
            self._again.pop(head.run_id, None)
        finally:
            del self._loads[head.run_id]

    def _take(self, head: RunHead, texts: Texts) -> None:
        run = self._here.live_run(head.run_id)
        if run is None or run.head.epoch < head.epoch:
            self._here.run_opened(head, texts)
            return
        # What was read of an epoch that has been followed by another is ignored there: it says its epoch.
        for part in PARTS:
            held = len(run.parts[part].data)
            if len(texts[part]) > held:
                self._here.text_appended(head.run_id, head.epoch, part, held, texts[part][held:])


def is_short(run: LiveRun | None, head: RunHead, ends: Mapping[str, int]) -> bool:
    """Whether this process holds less of the run than there is."""
    if run is None or run.head.epoch < head.epoch:
        return True
    return run.head.epoch == head.epoch and any(len(run.parts[part].data) < end for part, end in ends.items())
