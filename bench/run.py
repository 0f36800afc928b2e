"""One run of all benchmarks: starts upstream and contestants in turn, repeats, saves JSON and prints the table."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench import figures, report, scale, scale_report
from bench.contestants import ROOT, Contestant, ZGpt, peers
from bench.process import Cpus, ServerProcess, pin

RESULTS = ROOT / "bench" / "results"
DOCS = ROOT / "docs" / "benchmarks.md"
SAME_AS_HTTPX = ("memory", "fan_out")
"""Figures in which no upstream client takes part in any weight: one FastAPI is enough."""

ONLY = f"memory fan_out relay_100 relay_200 light first_token {' '.join(scale.MEASURES)}"
PEOPLE = 1_000
"""Z-GPT's connections are spread over so many accounts: up to five devices each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large and how long."""

    rounds: int = 3
    connections: int = 5_000
    viewers: int = 500
    streams: tuple[int, ...] = (100, 200)
    light_streams: int = 20
    warm_s: float = 5.0
    window_s: float = 20.0
    questions: int = 40


QUICK = Plan(rounds=1, connections=1_000, warm_s=2.0, window_s=5.0, questions=10)
Measure = Callable[[ServerProcess, Contestant], figures.Figures]


def measures(plan: Plan) -> dict[str, Measure]:
    """What is measured, by name."""
    warm_s, window_s = plan.warm_s, plan.window_s

    def relay(streams: int) -> Measure:
        return lambda server, who: figures.relay(server, who, streams, warm_s, window_s)

    return {
        "memory": lambda server, who: figures.memory(server, who, plan.connections),
        "fan_out": lambda server, who: figures.fan_out(server, who, plan.viewers, warm_s, window_s),
        **{f"relay_{streams}": relay(streams) for streams in plan.streams},
        "light": relay(plan.light_streams),
        "first_token": lambda server, who: figures.first_token(server, who, plan.questions),
    }


def main() -> None:
    options = _options()
    plan = QUICK if options.quick else Plan()
    plan = replace(plan, rounds=options.rounds or plan.rounds, window_s=options.window or plan.window_s)
    _raise_file_limit()
    cpus = Cpus.choose()
    pin(cpus.load)
    with tempfile.TemporaryDirectory(prefix="zgpt-bench-") as name, _upstream() as port:
        folder = Path(name)
        contestants = _contestants(options.contestants, folder, port, plan)
        rows = list(_rounds(contestants, plan, options.only, port, folder, cpus))
        scaled = list(_scale_rounds(contestants, plan, options.only, port, folder, cpus))
    result = {
        "plan": asdict(plan),
        "machine": machine(cpus),
        "versions": {c.name: c.version() for c in contestants},
        "rows": rows,
        "scale": scaled,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}{'-quick' if options.quick else ''}.json"
    path.write_text(json.dumps(result, indent=1))
    tables = (report.markdown(result) if rows else "", scale_report.markdown(result))
    print("\n\n".join(table for table in tables if table))
    print(f"saved as {path.relative_to(ROOT)}")
    if options.write_docs and tables[0]:
        report.update(DOCS, tables[0])
    if options.write_docs and tables[1]:
        report.update(DOCS, tables[1], scale_report.BEGIN, scale_report.END)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round with 1,000 connections")
    parser.add_argument("--rounds", type=int, help="how often everything is repeated")
    parser.add_argument("--window", type=float, help="seconds that each figure is measured for")
    parser.add_argument("--only", nargs="*", help=f"figures: {ONLY}")
    parser.add_argument("--contestants", nargs="*", help="z-gpt fastapi-openai fastapi-httpx node-ws")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmarks.md")
    return parser.parse_args()


def _contestants(names: list[str] | None, folder: Path, port: int, plan: Plan) -> list[Contestant]:
    zgpt = ZGpt()
    everybody: list[Contestant] = [zgpt, *peers()]
    chosen = [one for one in everybody if not names or one.name in names]
    if zgpt in chosen:
        people = min(PEOPLE, plan.connections)
        print(f"signing up {people} people …", flush=True)
        zgpt.prepare(_base_url(port), folder, people)
    return chosen


def _rounds(
    contestants: list[Contestant], plan: Plan, only: list[str] | None, port: int, folder: Path, cpus: Cpus
) -> Iterator[dict[str, Any]]:
    """Everybody in turn within each figure, so that a slow minute of the machine meets them all."""
    for turn in range(plan.rounds):
        for figure, measure in measures(plan).items():
            if only and figure not in only:
                continue
            for who in contestants[turn % len(contestants) :] + contestants[: turn % len(contestants)]:
                if figure in SAME_AS_HTTPX and who.name == "fastapi-openai":
                    continue
                values = _measured(who, measure, port, folder, cpus)
                yield _told({"round": turn, "figure": figure, "who": who.name, **values})
        if not only or "light" in only:
            light = figures.direct(port, plan.light_streams, plan.warm_s, plan.window_s)
            yield _told({"round": turn, "figure": "light", "who": "direct", **light})
        if not only or "first_token" in only:
            yield _told(
                {
                    "round": turn,
                    "figure": "first_token",
                    "who": "direct",
                    **figures.first_token_direct(port, plan.questions),
                }
            )


def _scale_rounds(
    contestants: list[Contestant], plan: Plan, only: list[str] | None, port: int, folder: Path, cpus: Cpus
) -> Iterator[dict[str, Any]]:
    """What only Z-GPT has, fewer times and in short windows: each value is CPU time over thousands of tokens."""
    zgpt = next((one for one in contestants if isinstance(one, ZGpt)), None)
    if zgpt is None:
        return
    bench = scale.Bench(zgpt, _base_url(port), folder, cpus, min(plan.window_s, scale.WINDOW_S))
    for turn in range(min(plan.rounds, scale.ROUNDS)):
        for figure, measure in scale.MEASURES.items():
            if only and figure not in only:
                continue
            for row in measure(bench):
                yield _told({"round": turn, **row})


def _measured(who: Contestant, measure: Measure, port: int, folder: Path, cpus: Cpus) -> dict[str, Any]:
    try:
        with who.start(_base_url(port), folder, cpus.server) as server:
            return dict(measure(server, who))
    except Exception as error:  # noqa: BLE001 - one contestant's failure is a result, and must not end the others'
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    values = " ".join(
        f"{key}={value:,.3f}" if isinstance(value, float) else f"{key}={value}" for key, value in row.items()
    )
    print(f"  {values} load={os.getloadavg()[0]:.1f}", flush=True)
    return {**row, "load": os.getloadavg()[0]}


def _base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


@contextlib.contextmanager
def _upstream() -> Iterator[int]:
    argv = [sys.executable, "-m", "bench.upstream"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["port"]
        finally:
            process.terminate()


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 20_000 if hard == resource.RLIM_INFINITY else min(hard, 20_000)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def machine(cpus: Cpus) -> dict[str, Any]:
    """What it ran on."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "pinned": bool(cpus.server),
        "date": time.strftime("%Y-%m-%d"),
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
