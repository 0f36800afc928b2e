"""Breaks the parts of a cluster as the plan says, and writes down when, and whose runs it hit. Judges nothing."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import gevent
import psycopg

from tests.chaos.storm.cluster import Cluster, Snapshot
from tests.chaos.storm.plan import (
    AWAY_S,
    FROZEN_S,
    KILL,
    MODEL,
    OF_SERVICES,
    OF_WORKERS,
    POSTGRES,
    REDIS_LOST,
    REDIS_PAUSED,
    STOP,
    TERM,
    Plan,
)

SNAPSHOT_S = 0.5
ASK_FOR_S = 1.0
PICK_S = 0.3
SIGNALS = {KILL: signal.SIGKILL, STOP: signal.SIGSTOP, TERM: signal.SIGTERM}


@dataclass(slots=True)
class Death:
    """A worker that was killed, frozen or told to end at `at_s`; its open runs then (id: epoch); its clients' ports."""

    kind: str
    at_s: float
    pid: int
    runs: dict[str, int]
    in_mid_answer: int
    ports: set[int]


@dataclass(slots=True)
class Chronicle:
    """What was done to the cluster."""

    counts: Counter[str] = field(default_factory=Counter)
    deaths: list[Death] = field(default_factory=list)
    away: list[tuple[str, float, float]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


class Storm:
    """Two greenlets: one breaks workers, one breaks services, so that both happen at once as well."""

    def __init__(self, cluster: Cluster, plan: Plan) -> None:
        self._cluster, self._plan = cluster, plan
        self._dice = random.Random(f"{plan.seed} storm")
        self._snapshot: Snapshot = {}
        self._frozen: dict[int, float] = {}
        self._ending: dict[int, float] = {}
        self._greenlets: list[gevent.Greenlet[..., None]] = []
        self.chronicle = Chronicle()

    def begin(self, at_s: float) -> None:
        """Break things from this (monotonic) time on."""
        self._greenlets = [
            gevent.spawn(self._watch),
            gevent.spawn(self._follow, at_s, OF_WORKERS, self._break_worker),
            gevent.spawn(self._follow, at_s, OF_SERVICES, self._break_service),
        ]

    def finish(self, timeout_s: float) -> None:
        """Wait until everything planned was done and undone."""
        gevent.joinall(self._greenlets[1:], timeout=timeout_s)
        self.close()

    def close(self) -> None:
        """Break nothing more; nothing stays frozen."""
        gevent.killall(self._greenlets)
        for pid in list(self._frozen):
            self._thaw(pid)
        self._cluster.redis.resume()

    def _follow(self, at_s: float, kinds: tuple[str, ...], act: Callable[[str], None]) -> None:
        for due_s, kind in self._plan.order(kinds):
            gevent.sleep(max(0.0, at_s + due_s - time.monotonic()))
            try:
                act(kind)
            except (OSError, RuntimeError) as fault:
                self.chronicle.trouble.append(f"{kind}: {fault}"[:300])

    def _watch(self) -> None:
        """Whose runs are whose: the last answer of the database serves while it is away."""
        while True:
            self._look()
            gevent.sleep(SNAPSHOT_S)

    def _look(self) -> None:
        with suppress(psycopg.Error, gevent.Timeout), gevent.Timeout(ASK_FOR_S):
            self._snapshot = self._cluster.open_runs()

    # -- workers

    def _break_worker(self, kind: str) -> None:
        pid, name = self._pick()
        ports = self._cluster.peers_of(pid)
        self._look()
        at_s = time.monotonic()
        with suppress(ProcessLookupError):
            os.kill(pid, SIGNALS[kind])
        hit = {run_id: (epoch, kept) for run_id, (epoch, owner, kept) in self._snapshot.items() if owner == name}
        epochs = {run_id: epoch for run_id, (epoch, _) in hit.items()}
        written = sum(1 for _, kept in hit.values() if kept)
        self.chronicle.deaths.append(Death(kind, at_s, pid, epochs, written, ports))
        self.chronicle.counts[kind] += 1
        if kind == STOP:
            self._frozen[pid] = at_s
            gevent.spawn_later(FROZEN_S, self._thaw, pid)
        else:
            self._ending[pid] = at_s

    def _pick(self) -> tuple[int, str]:
        """A worker that serves, while another one does; for kills of owners one that writes an answer just now."""
        while True:
            serving = {
                pid: name
                for pid, name in self._cluster.workers().items()
                if pid not in self._frozen and pid not in self._ending
            }
            owners = {owner for _, owner, kept in self._snapshot.values() if kept}
            choice = [one for one in sorted(serving.items()) if not self._plan.owners_only or one[1] in owners]
            if len(serving) > 1 and choice:
                return self._dice.choice(choice)
            gevent.sleep(PICK_S)

    def _thaw(self, pid: int) -> None:
        self._frozen.pop(pid, None)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    # -- services

    def _break_service(self, kind: str) -> None:
        cluster, gone_s = self._cluster, self._dice.uniform(*AWAY_S[kind])
        began_s = time.monotonic()
        self.chronicle.counts[kind] += 1
        if kind == POSTGRES:
            cluster.postgres.stop()
            gevent.sleep(gone_s)
            cluster.postgres.start()
        elif kind == MODEL:
            cluster.model.kill9()
            gevent.sleep(gone_s)
            cluster.model.start()
        elif kind == REDIS_PAUSED:
            cluster.redis.pause()
            gevent.sleep(gone_s)
            cluster.redis.resume()
        else:
            self._restart_redis(kind, gone_s)
        self.chronicle.away.append((kind, began_s, time.monotonic()))

    def _restart_redis(self, kind: str, gone_s: float) -> None:
        redis = self._cluster.redis
        redis.kill9()
        gevent.sleep(gone_s)
        if kind == REDIS_LOST:
            redis.forget()
        redis.start()
