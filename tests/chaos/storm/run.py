"""One storm from the first process to the verdict. Ends by itself, and leaves nothing running."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gevent
import psutil

from tests.chaos.storm import ledger
from tests.chaos.storm.cluster import Cluster
from tests.chaos.storm.faults import Chronicle, Storm
from tests.chaos.storm.plan import RESET, Plan
from tests.chaos.storm.takeovers import Takeovers, percentile, takeovers
from tests.support.processes import ServiceError, polls, spawn, stop, tail
from tests.support.server import ROOT

READY_S = 120.0
LEAVE_S = 45.0
"""After the last wait of the streams: for screens to close and reports to be written."""
SETTLE_CALM_S = 9.0
"""The load is full after this part of the calm; the rest of it is measured."""


@dataclass(slots=True)
class Result:
    """What happened, and what was kept."""

    plan: Plan
    verdict: ledger.Verdict
    chronicle: Chronicle
    takeovers: Takeovers
    calm: dict[str, float]
    seconds: float
    complaints: list[str]

    @property
    def held(self) -> bool:
        """Every promise, every planned fault, and the time of takeovers where the plan names one."""
        limit_s, counts = self.plan.takeover_p95_s, self.chronicle.counts
        done = all(counts[kind] >= often for kind, often in self.plan.faults.items()) and not self.chronicle.trouble
        quick = limit_s is None or percentile(self.takeovers.all, 0.95) < limit_s
        return self.verdict.held and done and quick and not self.takeovers.never


def run(folder: Path, plan: Plan) -> Result:
    """Start everything, load it, break it, wait for the end of every run, judge."""
    began_s = time.monotonic()
    with Cluster(folder, plan.workers, plan.continues) as cluster, ExitStack() as ending:
        drivers = _Drivers(folder, cluster, plan)
        ending.callback(drivers.close)
        drivers.wait_ready()
        go_s = time.monotonic()
        drivers.go(go_s)
        storm = Storm(cluster, plan)
        ending.callback(storm.close)
        storm.begin(go_s + plan.calm_s)
        calm = _measure_calm(cluster, drivers, go_s, plan)
        streams, pulse = drivers.wait_reports(go_s + plan.load_s + plan.settle_s + LEAVE_S)
        storm.finish(READY_S)
        verdict = ledger.judge(streams, ledger.read(cluster.dsn))
        chronicle = storm.chronicle
        chronicle.counts[RESET] = verdict.screens["resets"]
        calm |= _shown(pulse, go_s, plan)
        complaints = cluster.complaints()
        told = {"deaths": [asdict(death) for death in chronicle.deaths], "away": chronicle.away}
        (folder / "chronicle.json").write_text(json.dumps(told, default=list))
    taken = takeovers(chronicle, streams)
    return Result(plan, verdict, chronicle, taken, calm, time.monotonic() - began_s, complaints)


class _Drivers:
    """The driver processes (`load`), each with its share of the streams."""

    def __init__(self, folder: Path, cluster: Cluster, plan: Plan) -> None:
        self._plan, self._go = plan, folder / "go.json"
        self._logs: list[Path] = []
        self.processes: list[subprocess.Popen[bytes]] = []
        self._ready: list[Path] = []
        self._reports: list[Path] = []
        for number in range(plan.drivers):
            self._start(
                folder / f"driver-{number}", list(range(number, plan.streams, plan.drivers)), cluster.server.url
            )

    def _start(self, stem: Path, streams: list[int], url: str) -> None:
        ready, report, log = stem.with_suffix(".ready"), stem.with_suffix(".report"), stem.with_suffix(".log")
        task = {"plan": self._plan.to_json(), "url": url, "streams": streams}
        task |= {"go": str(self._go), "ready": str(ready), "report": str(report)}
        stem.with_suffix(".task").write_text(json.dumps(task))
        argv = [sys.executable, "-m", "tests.chaos.storm.load", stem.with_suffix(".task")]
        self.processes.append(spawn(argv, log, cwd=ROOT))
        self._ready.append(ready)
        self._reports.append(report)
        self._logs.append(log)

    def wait_ready(self) -> None:
        """Until everybody has an account."""
        self._wait(self._ready, READY_S)

    def go(self, at_s: float) -> None:
        """Tell them the times, all at once."""
        load_s = at_s + self._plan.load_s
        times = {"storm_at": at_s + self._plan.calm_s, "ask_until": load_s, "stop_at": load_s + self._plan.settle_s}
        draft = self._go.with_suffix(".draft")
        draft.write_text(json.dumps(times))
        draft.rename(self._go)

    def wait_reports(self, until_s: float) -> tuple[list[dict[str, Any]], list[list[list[float]]]]:
        """All streams, and what arrived second by second at each driver."""
        self._wait(self._reports, until_s - time.monotonic())
        for process in self.processes:
            process.wait(10)
        found = [json.loads(report.read_text()) for report in self._reports]
        return [stream for one in found for stream in one["streams"]], [one["pulse"] for one in found]

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                stop(process)

    def _wait(self, files: list[Path], timeout_s: float) -> None:
        for _ in polls(timeout_s):
            if all(file.exists() for file in files):
                return
            for process, file, log in zip(self.processes, files, self._logs, strict=True):
                if process.poll() is not None and not file.exists():
                    raise ServiceError(f"a driver broke:\n{tail(log)}")
            gevent.sleep(0.1)
        raise ServiceError(f"the drivers did not finish in time:\n{''.join(map(tail, self._logs))}")


def _measure_calm(cluster: Cluster, drivers: _Drivers, go_s: float, plan: Plan) -> dict[str, float]:
    """Shares of a core while nothing breaks: the answer to whether this machine carries the load."""
    begin_s, end_s = go_s + min(SETTLE_CALM_S, plan.calm_s / 2), go_s + plan.calm_s - 0.2
    gevent.sleep(max(0.0, begin_s - time.monotonic()))
    before, at_s = _cpu_s(cluster, drivers), time.monotonic()
    gevent.sleep(max(0.0, end_s - time.monotonic()))
    after, took_s = _cpu_s(cluster, drivers), time.monotonic() - at_s
    return {f"cores: {name}": (after[name] - before[name]) / took_s for name in before}


def _cpu_s(cluster: Cluster, drivers: _Drivers) -> dict[str, float]:
    groups = {
        "workers": [cluster.server.pid],
        "Redis": [cluster.redis._running().pid],
        "PostgreSQL": [cluster.postgres._process.pid if cluster.postgres._process else 0],
        "model server": [cluster.model.pid],
        "viewers": [process.pid for process in drivers.processes],
    }
    return {name: sum(map(_used_s, pids)) for name, pids in groups.items()}


def _used_s(pid: int) -> float:
    used = 0.0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            times = process.cpu_times()
            used += times.user + times.system
    except psutil.NoSuchProcess:
        return used
    return used


def _shown(pulse: list[list[list[float]]], go_s: float, plan: Plan) -> dict[str, float]:
    """Bytes that all screens together took a second, in the calm and in the storm."""
    storm_s, end_s = go_s + plan.calm_s, go_s + plan.load_s
    spans = {"calm": (go_s + min(SETTLE_CALM_S, plan.calm_s / 2), storm_s), "storm": (storm_s, end_s)}
    return {f"bytes/s: {name}": sum(_rate(one, *span) for one in pulse) for name, span in spans.items()}


def _rate(pulse: list[list[float]], begin_s: float, end_s: float) -> float:
    within = [(at_s, shown) for at_s, _, shown in pulse if begin_s <= at_s <= end_s]
    if len(within) < 2:
        return 0.0
    return max(0.0, (within[-1][1] - within[0][1]) / (within[-1][0] - within[0][0]))
