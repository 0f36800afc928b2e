"""Issue 3: connections spread evenly over the workers: when they come at speed, after a worker was killed, and later.

Clients are a crowd in a process of its own (crowd.py). After a SIGKILL they return to the workers that live, at once;
the new worker then gets every newcomer until it holds as many as the others.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.crowd_process import CrowdProcess
from tests.chaos.house import House
from tests.chaos.people import make_people
from tests.chaos.returns import Services, sockets_per_worker, town
from tests.support.processes import polls
from tests.support.workers import workers_of

COME_WITHIN_S = 120.0
JOIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many clients come, over how many workers; then one worker dies, and `newcomers` come."""

    clients: int = 2_000
    newcomers: int = 700
    workers: int = 4
    most_ratio: float = 1.3
    most_later: float = 3.0
    """Newcomers come faster than a cold worker takes them: nobody waits for it, and it does not get them all."""


QUICK = Plan(clients=160, newcomers=150, workers=2, most_ratio=4.0, most_later=4.0)
"""A worker that a busy machine keeps from its turn for half a second counts as stuck, and the others accept for it."""


@dataclass(slots=True)
class Tally:
    """Connections per worker, smallest first; `most` and `most_later` are the ratios that hold."""

    most: float
    most_later: float
    at_first: list[int] = field(default_factory=list)
    after_a_kill: list[int] = field(default_factory=list)
    with_newcomers: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"connections per worker {self.at_first} (largest to smallest {ratio(self.at_first):.2f}); after a SIGKILL "
            f"of one and the return of its clients {self.after_a_kill}; with newcomers {self.with_newcomers} "
            f"({ratio(self.with_newcomers):.2f})"
        )

    def held(self) -> bool:
        """Even at first, and less uneven when as many have come as the new worker lacked."""
        return ratio(self.at_first) <= self.most and ratio(self.with_newcomers) <= self.most_later


def ratio(counts: list[int]) -> float:
    """The largest to the smallest."""
    return max(counts) / max(1, min(counts))


def run(folder: Path, plan: Plan, given: Services | None = None) -> Tally:
    """Three counts on one server."""
    tally = Tally(plan.most_ratio, plan.most_later)
    with town(folder, plan.workers, given) as (house, database_url):
        people = make_people(folder, database_url, plan.clients + plan.newcomers)
        with CrowdProcess(house.server.port, people[: plan.clients], folder / "crowd.log") as crowd:
            crowd.await_present(plan.clients, COME_WITHIN_S)
            tally.at_first = sorted(sockets_per_worker(house))
            crowd.reset()
            os.kill(workers_of(house.server)[0], signal.SIGKILL)
            crowd.await_back(plan.clients, COME_WITHIN_S)
            _await_joined(house, plan.workers + 1)
            tally.after_a_kill = sorted(sockets_per_worker(house))
            with CrowdProcess(house.server.port, people[plan.clients :], folder / "newcomers.log") as newcomers:
                newcomers.await_present(plan.newcomers, COME_WITHIN_S)
                tally.with_newcomers = sorted(sockets_per_worker(house))
    return tally


def _await_joined(house: House, count: int) -> None:
    """Until so many workers have begun to serve, over the whole life of the server: to live is not enough."""
    for _ in polls(JOIN_S):
        if house.server.log.read_text(errors="replace").count("process_joined") >= count:
            return
    raise TimeoutError(f"not {count} workers within {JOIN_S} s")
