"""Point 3: every worker is replaced while answers stream; with live handover no viewer's connection closes.

Two ways: SIGHUP to the master (the workers hand their sockets to their successors), and SIGKILL of one worker after
another, after which the viewers come back by the web app's rules. Every transcript is judged byte by byte.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Group, Pool

from bench.script import Script
from tests.chaos.crowd import retry_delay
from tests.chaos.house import House
from tests.chaos.judging import ask, judged, see_exactly
from tests.chaos.returns import Services, await_workers, town
from tests.support.processes import polls
from tests.support.viewer import Frame, Viewer
from tests.support.workers import workers_of
from tests.support.ws_client import Closed, HandshakeRefused

BEGUN_WITHIN_S = 60.0
REPLACED_WITHIN_S = 60.0
MOST_P95_RETURN_S = 3.0
BETWEEN_S = 4.0
AT_ONCE = 8
"""Sign-ups side by side: here a hash costs nothing, so that a crowd would wait for the database as it never can."""
EACH_S = 0.02


@dataclass(frozen=True, slots=True)
class Plan:
    """How many streams, at so many tokens a second, each with so many viewers, over how many workers."""

    workers: int = 4
    streams: int = 200
    viewers: int = 2
    rate: float = 50.0
    tokens: int = 3_500


QUICK = Plan(workers=2, streams=6, rate=20.0, tokens=240)


@dataclass(slots=True)
class Tally:
    """What the viewers met. A pause: the longest time between two pieces of text; a return: from close to caught up."""

    viewers: int = 0
    replaced: int = 0
    took_s: float = 0.0
    closes: int = 0
    exact: int = 0
    pauses_s: list[float] = field(default_factory=list)
    returns_s: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.replaced} workers replaced in {self.took_s:.1f} s under {self.viewers} viewers: {self.closes} "
            f"connections closed, {self.exact} transcripts exact; longest pause of a viewer p50 "
            f"{quantile(self.pauses_s, 50):.2f} s, p99 {quantile(self.pauses_s, 99):.2f} s; return after a close p50 "
            f"{quantile(self.returns_s, 50):.2f} s, p95 {quantile(self.returns_s, 95):.2f} s, slowest "
            f"{max(self.returns_s, default=0.0):.2f} s; broken: {self.broken[:3] or 'none'}"
        )

    def exactly(self, plan: Plan) -> bool:
        """Every viewer saw the whole answer, every worker was replaced."""
        return self.exact == plan.streams * plan.viewers and self.replaced == plan.workers and not self.broken

    def held(self, plan: Plan, *, killed: bool) -> bool:
        """Exact; and nobody was closed, or (killed) whoever was came back soon."""
        soon = quantile(self.returns_s, 95) < MOST_P95_RETURN_S
        return self.exactly(plan) and (soon and self.closes > 0 if killed else self.closes == 0)


def quantile(values: list[float], percent: int) -> float:
    """The percentile; 0 where there is nothing to rank."""
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else max(values, default=0.0)


class TimedViewer(Viewer):
    """Notes its pauses and returns, and comes back as the web app does."""

    def __init__(self, url: str, token: str, session_id: str | None = None) -> None:
        super().__init__(url, token, session_id)
        self.pause_s = self.heard_s = 0.0
        self.returns_s: list[float] = []

    def come_back(self, timeout_s: float = 10.0) -> None:
        """Full jitter, as static/pwa/core/backoff.js."""
        lost_s = time.monotonic()
        for attempt in range(100):
            gevent.sleep(retry_delay(attempt))
            try:
                self.connect()
                self.open()
            except (Closed, HandshakeRefused, OSError) as fault:
                if time.monotonic() - lost_s > timeout_s:
                    raise TimeoutError(f"the server took nobody back within {timeout_s} s: {fault}") from fault
            else:
                self.returns_s.append(time.monotonic() - lost_s)
                return

    def _apply(self, event: Frame) -> bool:
        self._note(event)
        return super()._apply(event)

    def _note(self, event: Frame) -> None:
        if event["type"] != "run.delta":
            return
        now_s = time.monotonic()
        if self.heard_s:
            self.pause_s = max(self.pause_s, now_s - self.heard_s)
        self.heard_s = now_s


def run_reloaded(folder: Path, plan: Plan, given: Services | None = None) -> Tally:
    """SIGHUP to the master: with live handover nobody's connection closes."""
    return _run(folder, plan, given, _reload)


def run_killed(folder: Path, plan: Plan, given: Services | None = None) -> Tally:
    """SIGKILL of one worker after another, each as soon as the one before has a successor."""
    return _run(folder, plan, given, _kill_each)


def _run(folder: Path, plan: Plan, given: Services | None, replace: Callable[[House, Plan], int]) -> Tally:
    with town(folder, plan.workers, given) as (house, _):
        tally, group, begun = Tally(viewers=plan.streams * plan.viewers), Group(), []
        tokens = Pool(AT_ONCE).map(lambda _: house.sign_up(), range(plan.streams))
        for index, token in enumerate(tokens):
            begun.append(Event())
            script = Script(tokens=plan.tokens, rate=plan.rate, seed=index)
            group.spawn(_stream, house, plan, script, token, begun[-1], tally)
            gevent.sleep(EACH_S)
        gevent.wait(begun, timeout=BEGUN_WITHIN_S)
        started_s = time.monotonic()
        tally.replaced = replace(house, plan)
        tally.took_s = time.monotonic() - started_s
        group.join()
        return tally


def _reload(house: House, plan: Plan) -> int:
    before = set(workers_of(house.server))
    house.server.signal(signal.SIGHUP)
    return await_replaced(house, before, plan.workers)


def _kill_each(house: House, plan: Plan) -> int:
    first = workers_of(house.server)
    for pid in first:
        os.kill(pid, signal.SIGKILL)
        gevent.sleep(BETWEEN_S)
        await_workers(house, plan.workers)
        gevent.sleep(BETWEEN_S)
    return await_replaced(house, set(first), plan.workers)


def await_replaced(house: House, before: set[int], count: int) -> int:
    """How many of those before are gone, as soon as so many others live."""
    for _ in polls(REPLACED_WITHIN_S):
        found = set(workers_of(house.server))
        if not found & before and len(found) >= count:
            break
    return len(before - set(workers_of(house.server)))


def _stream(house: House, plan: Plan, script: Script, token: str, begun: Event, tally: Tally) -> None:
    asker = TimedViewer(house.server.url, token)
    asker.connect()
    run_id = ask(asker, script)
    others = [TimedViewer(asker.url, asker.token, asker.transcript.session_id) for _ in range(plan.viewers - 1)]
    for other in others:
        other.connect()
        other.open()
    begun.set()
    group = Group()
    for viewer in (asker, *others):
        group.spawn(_watch, viewer, script, run_id, tally)
    group.join()


def _told(end: dict[str, Any]) -> str:
    """What a viewer knows of the end of a run."""
    return json.dumps({name: end.get(name) for name in ("status", "error", "epoch", "ends")})


def _watch(viewer: TimedViewer, script: Script, run_id: str, tally: Tally) -> None:
    with judged(tally.broken, script), viewer:
        see_exactly(viewer, run_id, script)
        tally.exact += 1
    tally.closes += len(viewer.closes)
    tally.pauses_s.append(viewer.pause_s)
    tally.returns_s += viewer.returns_s
