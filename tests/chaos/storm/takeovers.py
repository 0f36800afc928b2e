"""From the deaths of workers and what the screens saw: how long each run that was hit stood still. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.storm.faults import Chronicle, Death
from tests.chaos.storm.plan import FROZEN_S, MODEL, STOP, TERM

SETTLED_BY_ITSELF_S = 0.6
"""An end of the same epoch that comes this soon after the old owner's last word was its own: nothing was taken over."""
TAKES_S = 7.0
"""A takeover is to be seen by then: a worker that freezes meanwhile shows its viewers nothing of it."""


@dataclass(slots=True)
class Takeovers:
    """Seconds for which nobody was shown anything of a run: from the death of its owner to its next sight, by kind.

    Who is told to end goes on writing until another can take over: then it is from the last sight of the old epoch.
    `able` counts from the return of the last service that was away meanwhile: without Redis nobody can tell a dead
    process from a living one, and without the database nobody can claim its runs.
    """

    times: dict[str, list[float]] = field(default_factory=dict)
    able: list[float] = field(default_factory=list)
    held_up: int = 0
    unseen: int = 0
    ended_before: int = 0
    never: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[float]:
        return [one for times in self.times.values() for one in times]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of the values does not exceed; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0


def takeovers(chronicle: Chronicle, streams: Sequence[Mapping[str, Any]]) -> Takeovers:
    """One time per run that was hit and could be seen to go on."""
    found = Takeovers()
    screens = {sent["run_id"]: stream["screens"] for stream in streams for sent in _sent(stream)}
    for death in chronicle.deaths:
        for run_id, epoch in death.runs.items():
            if run_id in screens:
                _add(found, chronicle, death, run_id, epoch, screens[run_id])
    return found


def _sent(stream: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [asked["sent"] for asked in stream["asked"] if asked.get("sent")]


def _add(
    found: Takeovers, chronicle: Chronicle, death: Death, run_id: str, epoch: int, screens: Sequence[Mapping[str, Any]]
) -> None:
    later = [at for screen in screens for at in _later_sights(screen, run_id, epoch)]
    ends = [screen["ends"][run_id] for screen in screens if run_id in screen["ends"]]
    first, still_s = min([*later, *ends], default=None), _still_from(death, run_id, epoch, screens)
    if first is None:
        found.never.append(run_id)
    elif not later and first - still_s < SETTLED_BY_ITSELF_S:
        found.ended_before += 1
    elif all(_on_a_frozen_worker(chronicle, screen, death.at_s) for screen in screens):
        # Both of its screens look at a worker that stands still: nobody could have been shown anything.
        found.unseen += 1
    else:
        back_s = _back(chronicle, still_s, first)
        found.times.setdefault(death.kind, []).append(max(0.0, first - still_s))
        found.able.append(max(0.0, first - back_s))
        found.held_up += back_s > still_s


def _still_from(death: Death, run_id: str, epoch: int, screens: Sequence[Mapping[str, Any]]) -> float:
    """When the old owner wrote no more."""
    if death.kind != TERM:
        return death.at_s
    lasts: list[float] = [screen["lasts"].get(run_id, {}).get(str(epoch), 0.0) for screen in screens]
    return max([death.at_s, *lasts])


def _later_sights(screen: Mapping[str, Any], run_id: str, epoch: int) -> list[float]:
    return [at for seen, at in screen["epochs"].get(run_id, {}).items() if int(seen) > epoch]


def _on_a_frozen_worker(chronicle: Chronicle, screen: Mapping[str, Any], at_s: float) -> bool:
    line = max((line for line in screen["lines"] if line[0] <= at_s), default=None)
    frozen = [
        one for one in chronicle.deaths if one.kind == STOP and one.at_s - 1 <= at_s + 7 <= one.at_s + FROZEN_S + 7
    ]
    return line is not None and any(line[1] in one.ports for one in frozen)


def _back(chronicle: Chronicle, from_s: float, to_s: float) -> float:
    """When, between these, the last service that a takeover needs came back; the beginning where all were there."""
    ends = [end_s for kind, begin_s, end_s in chronicle.away if kind != MODEL and begin_s < to_s and end_s > from_s]
    return max([from_s, *(min(end_s, to_s) for end_s in ends)])
