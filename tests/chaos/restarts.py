"""The drivers in which several workers are replaced or killed, by the names of `python -m tests.chaos --only`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.chaos import even, passing, returns, rolling

Driver = Callable[[Path, bool], tuple[str, bool]]


def run_returns(folder: Path, quick: bool) -> tuple[str, bool]:
    """All workers killed at once; held when everybody came back, unrefused and soon up to date."""
    plan = returns.QUICK if quick else returns.Plan()
    tally = returns.run(folder, plan)
    return str(tally), tally.held(plan)


def run_returns_one(folder: Path, quick: bool) -> tuple[str, bool]:
    """The same with one worker killed."""
    plan = replace(returns.QUICK if quick else returns.Plan(), killed=1)
    tally = returns.run(folder, plan)
    return str(tally), tally.held(plan)


def run_rolling(folder: Path, quick: bool) -> tuple[str, bool]:
    """SIGHUP; held when no connection was closed and every transcript is exact."""
    plan = rolling.QUICK if quick else rolling.Plan()
    tally = rolling.run_reloaded(folder, plan)
    return str(tally), tally.held(plan, killed=False)


def run_rolling_killed(folder: Path, quick: bool) -> tuple[str, bool]:
    """SIGKILL of one worker after another; held when every transcript is exact and everybody was back soon."""
    plan = rolling.QUICK if quick else rolling.Plan()
    tally = rolling.run_killed(folder, plan)
    return str(tally), tally.held(plan, killed=True)


def run_even(folder: Path, quick: bool) -> tuple[str, bool]:
    """Connections at speed, a kill, newcomers; held when the workers hold about as many each."""
    tally = even.run(folder, even.QUICK if quick else even.Plan())
    return str(tally), tally.held()


def run_passing(folder: Path, quick: bool) -> tuple[str, bool]:
    """SIGHUP under many silent clients; held when every socket was passed on, and soon."""
    plan = passing.QUICK if quick else passing.Plan()
    tally = passing.run(folder, plan)
    return str(tally), tally.held(plan)


DRIVERS: Final[dict[str, Driver]] = {
    "returns": run_returns,
    "returns-one": run_returns_one,
    "rolling": run_rolling,
    "rolling-killed": run_rolling_killed,
    "even": run_even,
    "passing": run_passing,
}
