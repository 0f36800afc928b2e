"""From the rows of scale.py to tables, between marks of their own in docs/benchmarks.md. Pure."""

from __future__ import annotations

import statistics
from typing import Any

from bench.report import grid

BEGIN, END = "<!-- scale: begin -->", "<!-- scale: end -->"
TITLES = {
    "memory": "one process, no Redis",
    "redis": "one process, Redis",
    "redis-2": "two processes, Redis",
}
Result = dict[str, Any]


def markdown(result: Result) -> str:
    """All tables; empty when nothing of it was measured."""
    rows = result.get("scale") or []
    blocks = [_core(rows), _processes(rows), _curve(rows, "streams"), _curve(rows, "viewers"), _faults(rows)]
    return "\n\n".join(block for block in blocks if block)


def median(rows: list[Result], key: str, **wanted: object) -> float | None:
    """Over the rounds in which it was measured; None when in none."""
    found = [row[key] for row in rows if row.get(key) is not None and all(row.get(k) == v for k, v in wanted.items())]
    return statistics.median(found) if found else None


def _core(rows: list[Result]) -> str:
    memory = median(rows, "cpu_us_per_token", figure="core", who="memory")
    redis = median(rows, "cpu_us_per_token", figure="core", who="redis")
    if memory is None or redis is None:
        return ""
    appends = median(rows, "appends_per_token", figure="core", who="redis") or 1.0
    own = (redis - memory) / appends
    table = [
        ["200 streams, one viewer each, one process", "no Redis", "Redis"],
        ["CPU per token, µs", f"{memory:.1f}", f"{redis:.1f}"],
        ["tokens per second of a core", f"{1e6 / memory:,.0f}", f"{1e6 / redis:,.0f}"],
        ["appends per token", "–", f"{appends:.2f}"],
        ["CPU per append in our process, µs", "–", f"{own:.1f}"],
    ]
    for key, title, form in (
        ("redis_us_per_append", "CPU per append in Redis, µs", "{:.1f}"),
        ("commands_per_token", "commands in Redis per token, inner ones of scripts included", "{:.2f}"),
        ("delay_p50_ms", "delay per token, p50, ms", "{:.2f}"),
        ("delay_p99_ms", "delay per token, p99, ms", "{:.2f}"),
    ):
        cells = [median(rows, key, figure="core", who=who) for who in ("memory", "redis")]
        table.append([title, *("–" if cell is None else form.format(cell) for cell in cells)])
    return grid(table)


def _processes(rows: list[Result]) -> str:
    table = [["one stream of 50 tokens a second, 1,000 viewers", *TITLES.values()]]
    for key, title, form in (
        ("cpu_us_per_write", "CPU per viewer-write, µs", "{:.1f}"),
        ("writes_per_cpu_s", "viewer-writes per CPU second", "{:,.0f}"),
        ("tokens_per_frame", "tokens per frame", "{:.2f}"),
        ("delay_p50_ms", "delay per token, p50, ms", "{:.2f}"),
        ("delay_p99_ms", "delay per token, p99, ms", "{:.2f}"),
    ):
        cells = [median(rows, key, figure="processes", who=who) for who in TITLES]
        if any(cell is not None for cell in cells):
            table.append([title, *("–" if cell is None else form.format(cell) for cell in cells)])
    return grid(table) if len(table) > 1 else ""


def _curve(rows: list[Result], figure: str) -> str:
    """One line per number; the ratio is to the line of 100."""
    counts = sorted({row["count"] for row in rows if row["figure"] == figure})
    if not counts:
        return ""
    key = "cpu_us_per_token" if figure == "streams" else "cpu_us_per_write"
    names = [who for who in TITLES if median(rows, key, figure=figure, who=who) is not None]
    what = "streams of 20 tokens a second" if figure == "streams" else "viewers of one stream of 50 tokens a second"
    unit = "CPU per token" if figure == "streams" else "CPU per viewer-write"
    head = [what]
    for who in names:
        head += [f"{unit}, µs, {TITLES[who]}", "ratio to 100", "tokens per frame", "delay p99, ms"]
    table = [head]
    for count in counts:
        line = [f"{count:,}"]
        for who in names:
            wanted: dict[str, object] = {"figure": figure, "who": who}
            line += _cells(rows, key, count, median(rows, key, count=100, **wanted), wanted)
        table.append(line)
    return grid(table)


def _cells(rows: list[Result], key: str, count: int, base: float | None, wanted: dict[str, object]) -> list[str]:
    value = median(rows, key, count=count, **wanted)
    if value is None:
        return ["–"] * 4
    frames = median(rows, "tokens_per_frame", count=count, **wanted)
    late = median(rows, "delay_p99_ms", count=count, **wanted)
    return [
        f"{value:.1f}",
        f"{value / base:.2f}" if base else "–",
        "–" if frames is None else f"{frames:.2f}",
        "–" if late is None else f"{late:.1f}",
    ]


def _faults(rows: list[Result]) -> str:
    faults = [
        f"- {row['who']}, {row['figure']} {row.get('count', '')}: {row['error']}" for row in rows if "error" in row
    ]
    return "\n".join(["Not measured:", *faults]) if faults else ""
