"""When a run's new text is written to its viewers: at once after a pause, else once per window; no sockets.

The first token leaves immediately. A stream faster than the window is gathered: a screen shows no more than one frame
every 16 ms anyway, and every frame costs each viewer a system call. When this process is busy, or falls behind, the
window widens by itself up to 40 ms, so that load turns into fewer, longer frames instead of into delay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import structlog
from gevent import get_hub

from zgpt.core import clock, metrics
from zgpt.realtime.live import LiveRun

WIDEST_WINDOW_S = 0.040
"""Above 40 ms a person sees text arrive in jumps."""
EARLY_S = 0.002
"""A run that is due within two milliseconds goes with this pass: waking again would cost more than it gains."""

MEASURE_S = 0.5
"""How often the process looks how busy it is."""
CALM_SHARE = 0.5
BUSY_SHARE = 0.9
"""Of one processor: up to half of it nothing is delayed for its sake, from nine tenths on the window is widest."""

log = structlog.get_logger(__name__)


class FlushClock:
    """Gathers runs with new text and flushes them from the event loop."""

    def __init__(self, window_s: float) -> None:
        self._base_s = window_s
        self.window_s = window_s
        self._least_s = window_s
        self._measured_s = clock.monotonic()
        self._used_s = clock.cpu()
        self._ready: list[LiveRun] = []
        self._waiting: list[LiveRun] = []
        self._due_s = 0.0
        self._timer: Any = None

    def mark(self, run: LiveRun) -> None:
        """`run` has text that its viewers have not been sent. Call once until it has been flushed (`run.dirty`)."""
        run.dirty = True
        now_s = clock.monotonic()
        due_s = run.flushed_at_s + self.window_s
        if due_s > now_s:
            self._waiting.append(run)
            self._arm(due_s, now_s)
            return
        if not self._ready:
            get_hub().loop.run_callback(self._flush_ready)
        self._ready.append(run)

    def later(self, delay_s: float, act: Callable[..., None], *args: object) -> None:
        gevent.spawn_later(delay_s, act, *args)

    def _arm(self, due_s: float, now_s: float) -> None:
        if self._timer is not None:
            if due_s >= self._due_s - EARLY_S:
                return
            self._timer.close()
        self._due_s = due_s
        self._timer = get_hub().loop.timer(max(0.0, due_s - now_s))
        self._timer.start(self._flush_waiting)

    def _flush_ready(self) -> None:
        runs, self._ready = self._ready, []
        now_s = clock.monotonic()
        self._measure(now_s)
        for run in runs:
            self._flush(run, now_s)

    def _flush_waiting(self) -> None:
        self._timer.close()
        self._timer = None
        now_s = clock.monotonic()
        self._adapt(now_s - self._due_s)
        self._measure(now_s)
        runs, self._waiting = self._waiting, []
        for run in runs:
            if run.flushed_at_s + self.window_s <= now_s + EARLY_S:
                self._flush(run, now_s)
            else:
                self._waiting.append(run)
        if self._waiting:
            self._arm(min(run.flushed_at_s for run in self._waiting) + self.window_s, now_s)

    def _adapt(self, late_s: float) -> None:
        metrics.FLUSH_LAG.observe(late_s)
        self._widen_to(max(self._least_s, late_s * 2, self.window_s * 0.9))

    def _measure(self, now_s: float) -> None:
        """The busier the process, the wider the window: load becomes longer frames before it becomes delay."""
        span_s = now_s - self._measured_s
        if span_s < MEASURE_S:
            return
        used_s = clock.cpu()
        share = (used_s - self._used_s) / span_s
        pressure = min(1.0, max(0.0, (share - CALM_SHARE) / (BUSY_SHARE - CALM_SHARE)))
        self._measured_s, self._used_s = now_s, used_s
        self._least_s = self._base_s + max(0.0, WIDEST_WINDOW_S - self._base_s) * pressure
        self._widen_to(max(self._least_s, self.window_s * 0.9))

    def _widen_to(self, wished_s: float) -> None:
        self.window_s = min(max(WIDEST_WINDOW_S, self._base_s), wished_s)

    def _flush(self, run: LiveRun, now_s: float) -> None:
        run.dirty = False
        run.flushed_at_s = now_s
        try:
            run.flush()
        except Exception:
            # One run's fault must not keep the others of this pass from their viewers.
            log.exception("flush_failed", run_id=run.head.run_id)
