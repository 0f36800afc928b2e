"""`python -m tests.chaos [--quick] [--only NAME …] [--write-docs]`: breaks things on purpose and says what held."""

# ruff: noqa: E402 - everything is imported after the patch, as the server does it

from gevent import monkey

monkey.patch_all()

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.chaos import drops, kill, restarts, slow_viewer
from tests.chaos.house import House
from tests.chaos.storm import plan, report
from tests.chaos.storm import run as storm
from tests.support.server import ROOT

Driver = Callable[[Path, bool], tuple[str, bool]]


def run_drops(folder: Path, quick: bool) -> tuple[str, bool]:
    """Forced drops; held when every transcript is exact."""
    plan = drops.QUICK if quick else drops.Plan()
    with House(folder) as house:
        tally = drops.run(house, plan)
        return _told(house, str(tally)), tally.held(plan)


def run_kill(folder: Path, quick: bool) -> tuple[str, bool]:
    """Killed servers; held when every answer ended in time."""
    plan = kill.QUICK if quick else kill.Plan()
    with House(folder) as house:
        tally = kill.run(house, plan)
        return _told(house, str(tally)), tally.held(plan)


def run_kill_continued(folder: Path, quick: bool) -> tuple[str, bool]:
    """The same before a model server that continues a given beginning: then nothing shown may change."""
    plan = kill.QUICK if quick else kill.Plan()
    with House(folder, LLM_CONTINUE="trailing") as house:
        tally = kill.run(house, plan)
        return _told(house, str(tally)), tally.held(plan)


def run_slow_viewer(folder: Path, quick: bool) -> tuple[str, bool]:
    """Stopped readers; held when they cost and delay next to nothing."""
    plan = slow_viewer.QUICK if quick else slow_viewer.Plan()
    tally = slow_viewer.run(folder, plan)
    return str(tally), tally.held()


def _run_storm(full: plan.Plan, short: plan.Plan) -> Driver:
    """A storm over several workers; its result is kept for `--write-docs`."""

    def run(folder: Path, quick: bool) -> tuple[str, bool]:
        result = storm.run(folder, short if quick else full)
        results.append(result)
        return report.summary(result), result.held

    return run


def _told(house: House, text: str) -> str:
    """The tally, and the first complaints of the server's log."""
    return "\n  ".join([text, *(f"server: {line}" for line in house.complaints()[:5])])


results: list[storm.Result] = []
DRIVERS: dict[str, Driver] = {
    "drops": run_drops,
    "kill": run_kill,
    "kill-continued": run_kill_continued,
    "slow-viewer": run_slow_viewer,
    "storm": _run_storm(plan.STORM, plan.QUICK),
    "kills": _run_storm(plan.KILLS, plan.QUICK_KILLS),
    "kills-reset": _run_storm(plan.KILLS_RESET, plan.QUICK_KILLS_RESET),
    **restarts.DRIVERS,
}


def main() -> int:
    """0 when everything held."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the short forms that the tests run")
    parser.add_argument("--only", nargs="*", choices=DRIVERS, help="these alone")
    parser.add_argument("--write-docs", action="store_true", help="put the storms' report into docs/benchmarks.md")
    options = parser.parse_args()
    failed = max(_report(name, options.quick) for name in options.only or DRIVERS)
    if options.write_docs and results:
        report.update(ROOT / "docs" / "benchmarks.md", results)
    return failed


def _report(name: str, quick: bool) -> int:
    begun = time.monotonic()
    print(f"{name} …", flush=True)
    with tempfile.TemporaryDirectory(prefix="zgpt-chaos-") as folder:
        text, held = DRIVERS[name](Path(folder), quick)
    print(f"{name}: {'held' if held else 'BROKEN'} ({time.monotonic() - begun:.0f} s)\n  {text}", flush=True)
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
