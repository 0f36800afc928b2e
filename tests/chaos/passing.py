"""Thousands of open sockets, all silent, change their process in a reload: how long it takes, and who is lost."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.crowd_process import CrowdProcess
from tests.chaos.house import House
from tests.chaos.people import make_people
from tests.chaos.returns import Services, sockets_per_worker, town
from tests.chaos.rolling import await_replaced
from tests.support.workers import workers_of

MOST_PASSING_S = 5.0
"""Of 2,000 sockets: far below what an exit has for it, and their viewers wait as long."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many clients with an open session, over how many workers."""

    clients: int = 2_000
    workers: int = 1
    within_s: float = MOST_PASSING_S


QUICK = Plan(clients=100, workers=2)


@dataclass(slots=True)
class Tally:
    """`passed_s`: per worker that ended, from the end of its runs to the last socket given away."""

    clients: int
    passed: int
    passed_s: list[float]
    reload_s: float
    lost: int
    kept: int

    def __str__(self) -> str:
        return (
            f"{self.passed:,} of {self.clients:,} sockets passed in {max(self.passed_s, default=0.0):.2f} s (the "
            f"slowest worker), the reload took {self.reload_s:.1f} s; {self.lost} closed, {self.kept:,} open afterwards"
        )

    def held(self, plan: Plan) -> bool:
        """Nobody was closed, and it was quick."""
        everybody = self.passed == self.kept == self.clients and not self.lost
        return everybody and max(self.passed_s) < plan.within_s


def run(folder: Path, plan: Plan, given: Services | None = None) -> Tally:
    """Gather the clients, reload, and count who is there."""
    with town(folder, plan.workers, given) as (house, database_url):
        people = make_people(folder, database_url, plan.clients)
        with CrowdProcess(house.server.port, people, folder / "crowd.log") as crowd:
            crowd.await_present(plan.clients, 30.0 + plan.clients / 50)
            crowd.reset()
            began_s = time.monotonic()
            before = set(workers_of(house.server))
            house.server.signal(signal.SIGHUP)
            await_replaced(house, before, plan.workers)
            reload_s = time.monotonic() - began_s
            passed = _passed(house)
            counts = sum(count for count, _ in passed), [took_s for _, took_s in passed]
            return Tally(plan.clients, *counts, reload_s, crowd.report().lost, sum(sockets_per_worker(house)))


def _passed(house: House) -> list[tuple[int, float]]:
    lines = [line for line in house.server.log.read_text().splitlines() if '"connections_passed"' in line]
    return [(line["connections"], line["took_s"]) for line in map(json.loads, lines)]
