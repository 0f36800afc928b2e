"""From the rows of a run to a table: medians over the rounds, with the spread, and ratios. Pure, but for `update`."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
WHO = {
    "z-gpt": "Z-GPT",
    "fastapi-openai": "FastAPI + openai",
    "fastapi-httpx": "FastAPI + httpx",
    "node-ws": "Node ws",
    "direct": "no server",
}
LINES: tuple[tuple[str, str, str, str], ...] = (
    ("memory", "idle_kib", "memory per idle connection, KiB", "{:.1f}"),
    ("memory", "opened_kib", "… with a session open, KiB", "{:.1f}"),
    ("memory", "base_mib", "memory before the first connection, MiB", "{:.0f}"),
    ("fan_out", "writes_per_cpu_s", "viewer-writes per CPU second, one stream", "{:,.0f}"),
    ("relay_100", "cpu_us_per_token", "CPU per relayed token, 100 streams, µs", "{:.1f}"),
    ("relay_200", "cpu_us_per_token", "CPU per relayed token, 200 streams, µs", "{:.1f}"),
    ("relay_100", "delivered", "tokens delivered in time, 100 streams", "{:.0%}"),
    ("relay_200", "delivered", "tokens delivered in time, 200 streams", "{:.0%}"),
    ("relay_100", "tokens_per_frame", "tokens per frame, 100 streams", "{:.2f}"),
    ("relay_200", "tokens_per_frame", "tokens per frame, 200 streams", "{:.2f}"),
    ("light", "delay_p50_ms", "delay per token, 20 streams, p50, ms", "{:.2f}"),
    ("light", "delay_p99_ms", "delay per token, 20 streams, p99, ms", "{:.2f}"),
    ("relay_100", "delay_p50_ms", "delay per token, 100 streams, p50, ms", "{:.2f}"),
    ("relay_100", "delay_p99_ms", "delay per token, 100 streams, p99, ms", "{:.2f}"),
    ("relay_200", "delay_p50_ms", "delay per token, 200 streams, p50, ms", "{:.2f}"),
    ("relay_200", "delay_p99_ms", "delay per token, 200 streams, p99, ms", "{:.2f}"),
    ("first_token", "first_p50_ms", "question to first token, p50, ms", "{:.1f}"),
    ("first_token", "first_max_ms", "question to first token, slowest, ms", "{:.1f}"),
)
RATIOS: tuple[tuple[str, str, str, bool], ...] = (
    ("memory", "idle_kib", "memory per idle connection", False),
    ("fan_out", "writes_per_cpu_s", "viewer-writes per CPU second", True),
    ("relay_100", "cpu_us_per_token", "CPU per relayed token, 100 streams", False),
    ("relay_200", "cpu_us_per_token", "CPU per relayed token, 200 streams", False),
    ("light", "delay_p50_ms", "delay per token, p50", False),
    ("light", "delay_p99_ms", "delay per token, p99", False),
    ("first_token", "first_p50_ms", "question to first token", False),
)
Result = dict[str, Any]


def values(result: Result, figure: str, key: str, who: str) -> list[float]:
    """This number in each round, without the rounds that have none."""
    rows = (row for row in result["rows"] if row["figure"] == figure and row["who"] == who)
    return [row[key] for row in rows if row.get(key) is not None]


def markdown(result: Result) -> str:
    """Machine, table, ratios and faults as Markdown, which reads well in a terminal too."""
    present = [who for who in WHO if any(row["who"] == who for row in result["rows"])]
    blocks = [_machine(result), _table(result, present), _ratios(result, present), _faults(result)]
    return "\n\n".join(block for block in blocks if block)


def _machine(result: Result) -> str:
    machine, plan = result["machine"], result["plan"]
    pinned = "server pinned to one core, upstream and client to another" if machine["pinned"] else "not pinned"
    loads = sorted(row["load"] for row in result["rows"])
    rounds = 1 + max((row["round"] for row in result["rows"]), default=0)
    system = f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}"
    sizes = f"{plan['connections']:,} idle connections, {plan['viewers']} viewers of one stream"
    lines = [
        f"{machine['date']}: {system}; {pinned}.",
        f"{rounds} round(s), windows of {plan['window_s']:.0f} s, {sizes}; load {loads[0]:.1f}–{loads[-1]:.1f}.",
        "",
        *(f"- {WHO[name]}: {version}" for name, version in result["versions"].items()),
    ]
    return "\n".join(lines)


def _table(result: Result, present: list[str]) -> str:
    rows = [["", *(WHO[who] for who in present)]]
    for figure, key, title, form in LINES:
        cells = [_cell(values(result, figure, key, who), form) for who in present]
        if any(cells):
            rows.append([title, *(cell or "–" for cell in cells)])
    return grid(rows)


def _cell(found: list[float], form: str) -> str:
    if not found:
        return ""
    middle = form.format(statistics.median(found))
    low, high = form.format(min(found)), form.format(max(found))
    return middle if low == high else f"{middle} ({low}–{high})"


def _ratios(result: Result, present: list[str]) -> str:
    others = [who for who in present if who not in ("z-gpt", "direct")]
    if "z-gpt" not in present or not others:
        return ""
    rows = [["times better (below 1: behind) than", *(WHO[who] for who in others)]]
    for figure, key, title, more_is_better in RATIOS:
        own = values(result, figure, key, "z-gpt")
        cells = [_ratio(own, values(result, figure, key, who), more_is_better) for who in others]
        if any(cells):
            rows.append([title, *(cell or "–" for cell in cells)])
    return grid(rows)


def _ratio(own: list[float], theirs: list[float], more_is_better: bool) -> str:
    if not own or not theirs:
        return ""
    ratio = statistics.median(own) / max(statistics.median(theirs), 1e-9)
    return f"{ratio if more_is_better else 1 / max(ratio, 1e-9):.1f}"


def _faults(result: Result) -> str:
    faults = [f"- {WHO[row['who']]}, {row['figure']}: {row['error']}" for row in result["rows"] if "error" in row]
    return "\n".join(["Not measured:", *faults]) if faults else ""


def grid(rows: list[list[str]]) -> str:
    """A table as Markdown, aligned for a terminal; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def update(path: Path, table: str, begin: str = BEGIN, end: str = END) -> None:
    """Puts the table between two marks of the document."""
    text = path.read_text()
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    path.write_text(f"{before}{begin}\n\n{table}\n\n{end}{after}")
