"""What a storm does: how many streams, which faults, how often, in which order. Pure; everything follows the seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

KILL, STOP, TERM = "SIGKILL of a worker", "SIGSTOP of a worker", "SIGTERM of a worker"
REDIS_KEPT, REDIS_LOST = "Redis restarted with its data", "Redis restarted empty"
REDIS_PAUSED, POSTGRES = "Redis paused", "PostgreSQL restarted"
MODEL, RESET = "model server restarted", "TCP reset of a viewer"
OF_WORKERS = (KILL, STOP, TERM)
OF_SERVICES = (REDIS_KEPT, REDIS_LOST, REDIS_PAUSED, POSTGRES, MODEL)
FROZEN_S = 20.0
AWAY_S: Mapping[str, tuple[float, float]] = {
    REDIS_KEPT: (0.1, 1.5),
    REDIS_LOST: (0.1, 1.5),
    REDIS_PAUSED: (0.5, 4.0),
    POSTGRES: (0.1, 2.0),
    MODEL: (0.1, 1.0),
}
"""How long a service stays away, drawn evenly between these, besides the time that its start takes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds: `calm_s` without faults, then `storm_s` of them; runs that were begun may take `settle_s` to end."""

    title: str
    streams: int = 200
    viewers: int = 2
    workers: int = 4
    drivers: int = 2
    rate: float = 50.0
    tokens: tuple[int, int] = (200, 800)
    calm_s: float = 20.0
    storm_s: float = 450.0
    settle_s: float = 75.0
    faults: Mapping[str, int] = field(default_factory=dict)
    reset_every_s: float = 60.0
    continues: str = "trailing"
    seed: int = 1
    owners_only: bool = False
    takeover_p95_s: float | None = 7.0

    @property
    def load_s(self) -> float:
        """For how long new questions are asked."""
        return self.calm_s + self.storm_s

    def order(self, kinds: tuple[str, ...]) -> list[tuple[float, str]]:
        """When (seconds from the first fault) and what: each kind as often as planned, shuffled, at uneven gaps."""
        dice = random.Random(f"{self.seed} {kinds[0]}")
        names = [kind for kind in kinds for _ in range(self.faults.get(kind, 0))]
        dice.shuffle(names)
        step_s = self.storm_s / max(1, len(names))
        return [(step_s * (at + dice.uniform(0, 0.8)), kind) for at, kind in enumerate(names)]

    def to_json(self) -> dict[str, Any]:
        """What a driver process is told."""
        return asdict(self)


STORM = Plan(
    "storm",
    storm_s=400.0,
    faults={
        KILL: 14,
        STOP: 6,
        TERM: 10,
        REDIS_KEPT: 6,
        REDIS_LOST: 6,
        REDIS_PAUSED: 6,
        POSTGRES: 6,
        MODEL: 8,
    },
)
QUICK = Plan(
    "storm, short",
    streams=24,
    drivers=1,
    workers=3,
    tokens=(100, 300),
    calm_s=3.0,
    storm_s=34.0,
    settle_s=120.0,
    reset_every_s=8.0,
    faults={KILL: 2, STOP: 1, TERM: 1, REDIS_KEPT: 1, REDIS_LOST: 1, REDIS_PAUSED: 1, POSTGRES: 1, MODEL: 1},
    # A test says whether promises are kept, on whatever machine; how fast is for the full run.
    takeover_p95_s=None,
)
KILLS = Plan(
    "kills of the owner, continued",
    streams=40,
    drivers=1,
    tokens=(150, 400),
    calm_s=6.0,
    storm_s=310.0,
    reset_every_s=0.0,
    faults={KILL: 100},
    owners_only=True,
)
KILLS_RESET = replace(KILLS, title="kills of the owner, begun anew", storm_s=62.0, faults={KILL: 20}, continues="none")
QUICK_KILLS = replace(KILLS, streams=12, calm_s=3.0, storm_s=13.0, faults={KILL: 4}, takeover_p95_s=None)
QUICK_KILLS_RESET = replace(QUICK_KILLS, title=KILLS_RESET.title, continues="none")
