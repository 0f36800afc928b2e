"""How Z-GPT's costs grow: with Redis, over two processes, with the streams and with the viewers. Peers: figures.py.

Each measurement starts a server anew and returns rows of plain numbers; scale_report.py makes tables of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import figures
from bench.contestants import PRODUCT_PYTHON, ZGpt
from bench.process import Cpus, ServerProcess
from bench.redis_process import RedisProcess, Usage

ROUNDS = 2
WARM_S = 3.0
WINDOW_S = 6.0
STREAMS = 200
CURVE = (10, 100, 300, 1_000)
CURVE_TOKENS_PER_S = 20.0
"""A thousand streams of it are what one core carries with room to spare, so that nobody is late."""
AUDIENCES = (10, 100, 1_000)
VIEWERS = 1_000
Row = dict[str, Any]
Measure = Callable[[ServerProcess], figures.Figures]


@dataclass(frozen=True, slots=True)
class Setting:
    """One server: how many processes, and whether a Redis stands beside it."""

    workers: int = 1
    redis: bool = False

    @property
    def name(self) -> str:
        """As in the rows."""
        return ("redis" if self.redis else "memory") + (f"-{self.workers}" if self.workers > 1 else "")


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs: the people, the model server, a folder, the CPUs, and how long to look."""

    zgpt: ZGpt
    upstream: str
    folder: Path
    cpus: Cpus
    window_s: float = WINDOW_S


def core(bench: Bench) -> Iterator[Row]:
    """CPU per token of one process, in memory and with Redis, and what Redis does for each."""
    for setting in (Setting(), Setting(redis=True)):
        yield _measured(bench, setting, "core", _relay(bench, STREAMS))


def processes(bench: Bench) -> Iterator[Row]:
    """One stream to a thousand viewers: in memory, with Redis, and over two processes."""
    for setting in (Setting(), Setting(redis=True), Setting(workers=2, redis=True)):
        yield _measured(bench, setting, "processes", _fan_out(bench, VIEWERS))


def streams(bench: Bench) -> Iterator[Row]:
    """CPU per token against the number of streams, each with one viewer."""
    for count in CURVE:
        for setting in (Setting(), Setting(redis=True)):
            row = _measured(bench, setting, "streams", _relay(bench, count, CURVE_TOKENS_PER_S))
            yield {**row, "count": count}


def viewers(bench: Bench) -> Iterator[Row]:
    """CPU per viewer-write against the number of viewers of one stream."""
    for count in AUDIENCES:
        row = _measured(bench, Setting(redis=True), "viewers", _fan_out(bench, count))
        yield {**row, "count": count}


MEASURES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "core": core,
    "processes": processes,
    "streams": streams,
    "viewers": viewers,
}


def _relay(bench: Bench, streams: int, tokens_per_s: float = figures.TOKENS_PER_S) -> Measure:
    return lambda server: figures.relay(server, bench.zgpt, streams, WARM_S, bench.window_s, tokens_per_s)


def _fan_out(bench: Bench, viewers: int) -> Measure:
    return lambda server: figures.fan_out(server, bench.zgpt, viewers, WARM_S, bench.window_s)


def _measured(bench: Bench, setting: Setting, figure: str, measure: Measure) -> Row:
    row: Row = {"figure": figure, "who": setting.name}
    try:
        return {**row, **_run(bench, setting, measure)}
    except Exception as error:  # noqa: BLE001 - a failed measurement is a result, and must not end the others
        return {**row, "error": f"{type(error).__name__}: {error}"[:500]}


def _run(bench: Bench, setting: Setting, measure: Measure) -> Row:
    if not setting.redis:
        with bench.zgpt.start(bench.upstream, bench.folder, bench.cpus.server) as server:
            return dict(measure(server))
    with RedisProcess(PRODUCT_PYTHON, bench.cpus.load) as redis:
        settings = {"REDIS_URL": redis.url, "WEB_CONCURRENCY": str(setting.workers)}
        with bench.zgpt.start(bench.upstream, bench.folder, bench.cpus.server, settings) as server:
            server.await_children(setting.workers)
            server.beside = redis.usage
            row = dict(measure(server))
            return {**row, **_per_token(server.used_beside, row)}


def _per_token(used: Usage | None, row: Row) -> Row:
    """What Redis did for each token that was written once (however many viewers it had)."""
    if used is None or not row["written"]:
        return {}
    written = row["written"]
    return {
        "redis_us_per_token": used.cpu_s / written * 1e6,
        "redis_us_per_append": used.cpu_s / max(1, used.scripts) * 1e6,
        "appends_per_token": used.scripts / written,
        "commands_per_token": used.commands / written,
    }
