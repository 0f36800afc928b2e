"""Point 4: thousands of clients lose their server at once and come back by themselves, each soon up to date.

Several workers on a real Redis and PostgreSQL are SIGKILLed together (or one of them) while answers are streaming.
The many clients live in a process of their own (crowd.py); the viewers of the streams are judged byte by byte.
"""

from __future__ import annotations

import os
import signal
import statistics
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import gevent
import psutil
from gevent.pool import Group

from bench.script import Script
from tests.chaos.crowd_process import CrowdProcess, Report
from tests.chaos.house import House
from tests.chaos.judging import ask, judged, see_exactly
from tests.chaos.people import HELD, TURNS, make_people
from tests.support.postgres import PostgresServer
from tests.support.processes import polls, running
from tests.support.services import RedisServer
from tests.support.viewer import Viewer
from tests.support.workers import workers_of

MOST_CATCH_UP_S = 1.0
MISSED = 2 * TURNS - HELD
"""Messages that each client is told on its return: its last question and answer."""
SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many clients, how many workers and how many of those are killed; and the answers that stream meanwhile."""

    clients: int = 5_000
    workers: int = 4
    killed: int = 4
    streams: int = 20
    rate: float = 20.0
    tokens: int = 800
    back_within_s: float = 90.0


QUICK = Plan(clients=200, workers=2, killed=2, streams=4, rate=30.0, tokens=300, back_within_s=30.0)


@dataclass(slots=True)
class Tally:
    """What the clients met; times in seconds. `away`: lost to caught up; `catch_up`: open socket to caught up."""

    clients: int = 0
    lost: int = 0
    back: int = 0
    present: int = 0
    caught_up_with: int = 0
    catch_up_p50_s: float = 0.0
    catch_up_p99_s: float = 0.0
    catch_up_max_s: float = 0.0
    away_p50_s: float = 0.0
    away_p95_s: float = 0.0
    away_max_s: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    per_worker_before: list[int] = field(default_factory=list)
    per_worker_after: list[int] = field(default_factory=list)
    server_cpu_s: float = 0.0
    crowd_cpu_s: float = 0.0
    exact: int = 0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.lost:,} of {self.clients:,} clients lost their socket, {self.back:,} came back by themselves "
            f"({self.present:,} present); open socket to caught up: p50 {self.catch_up_p50_s * 1e3:.0f} ms, p99 "
            f"{self.catch_up_p99_s * 1e3:.0f} ms, slowest {self.catch_up_max_s * 1e3:.0f} ms; lost to caught up: p50 "
            f"{self.away_p50_s:.1f} s, p95 {self.away_p95_s:.1f} s, slowest {self.away_max_s:.1f} s; handshakes "
            f"refused {self.refused or 'none'}, tried again for {self.faults or 'nothing'}; connections per worker "
            f"{self.per_worker_before} before, {self.per_worker_after} after; CPU {self.server_cpu_s:.1f} s in the "
            f"workers, {self.crowd_cpu_s:.1f} s in the clients; {self.exact} streams exact; "
            f"broken: {self.broken[:3] or 'none'}"
        )

    def held(self, plan: Plan) -> bool:
        """Everybody is back, nobody was refused, who was connected was up to date soon, every transcript is exact."""
        everybody = self.present == self.clients and self.back == self.lost > 0 and not self.refused
        return everybody and self.catch_up_p99_s < MOST_CATCH_UP_S and self.exact == plan.streams and not self.broken


@dataclass(frozen=True, slots=True)
class Services:
    """A Redis and a migrated PostgreSQL database that somebody else started."""

    redis_url: str
    database_url: str


@contextmanager
def own_services() -> Iterator[Services]:
    """Started here, for one run; the database is empty."""
    with running(RedisServer()) as redis, closing(PostgresServer()) as postgres:
        yield Services(redis.url, postgres.create())


@contextmanager
def town(folder: Path, workers: int, given: Services | None) -> Iterator[tuple[House, str]]:
    """A server of several workers on the services given, or on its own, and the URL of its database."""
    with nullcontext(given) if given else own_services() as services:
        if given:
            # What the house takes for the mark of a database that needs no migration.
            (folder / "zgpt.db").touch()
        urls = {"REDIS_URL": services.redis_url, "DATABASE_URL": services.database_url}
        with House(folder, WEB_CONCURRENCY=str(workers), LLM_CONTINUE="trailing", **urls) as house:
            await_workers(house, workers)
            yield house, services.database_url


def await_workers(house: House, count: int, timeout_s: float = 60.0) -> list[int]:
    """The workers' process ids, as soon as so many live."""
    for _ in polls(timeout_s):
        if len(found := workers_of(house.server)) >= count:
            return found
    raise TimeoutError(f"not {count} workers within {timeout_s} s")


def run(folder: Path, plan: Plan, given: Services | None = None) -> Tally:
    """Gather the crowd, let answers stream, kill, and wait until everybody is back."""
    with town(folder, plan.workers, given) as (house, database_url):
        people = make_people(folder, database_url, plan.clients)
        with CrowdProcess(house.server.port, people, folder / "crowd.log") as crowd:
            crowd.await_present(plan.clients, 20.0 + plan.clients / 50)
            return _killed(house, crowd, plan)


def _killed(house: House, crowd: CrowdProcess, plan: Plan) -> Tally:
    tally = Tally(clients=plan.clients, per_worker_before=sockets_per_worker(house))
    group = Group()
    for index in range(plan.streams):
        group.spawn(_stream, house, Script(tokens=plan.tokens, rate=plan.rate, seed=index), tally)
    gevent.sleep(SETTLE_S)
    crowd.reset()
    cpu_before_s = crowd.report().cpu_s
    victims = workers_of(house.server)[: plan.killed]
    survivors_s = cpu_seconds(set(workers_of(house.server)) - set(victims))
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    report = crowd.await_back(plan.clients, plan.back_within_s)
    tally.server_cpu_s = cpu_seconds(workers_of(house.server)) - survivors_s
    tally.crowd_cpu_s = report.cpu_s - cpu_before_s
    tally.per_worker_after = sockets_per_worker(house)
    _tell(report, tally)
    group.join(timeout=plan.tokens / plan.rate + 60.0)
    return tally


def _tell(report: Report, tally: Tally) -> None:
    tally.lost, tally.present, tally.back = report.lost, report.present, len(report.returns)
    tally.caught_up_with = report.messages
    tally.refused = report.refusals
    tally.faults = {**report.faults, **report.errors, **report.closes}
    if tally.back < 2:
        tally.broken.append(f"{tally.back} came back")
        return
    catch_up = statistics.quantiles([one[1] for one in report.returns], n=100)
    away = statistics.quantiles([one[2] for one in report.returns], n=100)
    tally.catch_up_p50_s, tally.catch_up_p99_s = catch_up[49], catch_up[98]
    tally.away_p50_s, tally.away_p95_s = away[49], away[94]
    tally.catch_up_max_s = max(one[1] for one in report.returns)
    tally.away_max_s = max(one[2] for one in report.returns)


def _stream(house: House, script: Script, tally: Tally) -> None:
    with judged(tally.broken, script), Viewer(house.server.url, house.sign_up()) as viewer:
        viewer.connect()
        see_exactly(viewer, ask(viewer, script), script)
        tally.exact += 1


def sockets_per_worker(house: House) -> list[int]:
    """Accepted sockets that each worker holds on our port."""
    port = house.server.port
    return [
        sum(one.laddr[1:] == (port,) and bool(one.raddr) for one in psutil.Process(pid).net_connections("tcp4"))
        for pid in workers_of(house.server)
    ]


def cpu_seconds(pids: list[int] | set[int]) -> float:
    """CPU time of these processes so far."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(one.user + one.system for one in times)
