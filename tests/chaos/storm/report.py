"""A storm in words: for the terminal, and as a section of docs/benchmarks.md. Pure, but `update`."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.storm.plan import KILL, OF_SERVICES, OF_WORKERS, RESET, STOP, TERM
from tests.chaos.storm.run import Result
from tests.chaos.storm.takeovers import median, percentile
from zgpt.core import clock

BEGIN, END = "<!-- storm: begin -->", "<!-- storm: end -->"
SHOWN_FAULTS = 12


def summary(result: Result) -> str:
    """Everything worth knowing, in lines."""
    return "\n  ".join([*_lines(result), *(f"BROKEN: {one}" for one in _broken(result)[:SHOWN_FAULTS])])


def markdown(results: Sequence[Result]) -> str:
    """One section per storm, below the machine that they ran on."""
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    head = f"{clock.now():%Y-%m-%d}: {os.cpu_count()} cores, {system}."
    return "\n\n".join([head, *(f"**{_title(one)}**\n\n" + _list(_lines(one)) for one in results)])


def update(path: Path, results: Sequence[Result]) -> None:
    """Puts the section between the two marks of the document."""
    before, rest = path.read_text().split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    path.write_text(f"{before}{BEGIN}\n\n{markdown(results)}\n\n{END}{after}")


def _title(result: Result) -> str:
    return f"{result.plan.title[:1].upper()}{result.plan.title[1:]}: {'held' if result.held else 'BROKEN'}"


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _lines(result: Result) -> list[str]:
    return [
        _plan(result),
        _load(result),
        "done to it: " + "; ".join(f"{kind} {result.chronicle.counts[kind]}×" for kind in _kinds(result)),
        *_verdict(result),
        *_takeovers(result),
        f"took {result.seconds:.0f} s",
    ]


def _plan(result: Result) -> str:
    plan = result.plan
    return (
        f"{plan.streams} streams with {plan.streams * plan.viewers} viewers, {plan.rate:.0f} tokens/s each, "
        f"{plan.workers} workers, LLM_CONTINUE={plan.continues}, seed {plan.seed}; {plan.calm_s:.0f} s of calm, "
        f"{plan.storm_s:.0f} s of storm"
    )


def _load(result: Result) -> str:
    cores = [f"{name.removeprefix('cores: ')} {used:.2f}" for name, used in result.calm.items() if "cores" in name]
    calm, storm = result.calm["bytes/s: calm"], result.calm["bytes/s: storm"]
    return (
        f"cores used in the calm: {', '.join(cores)}; shown: {calm:,.0f} bytes/s in the calm, {storm:,.0f} in the storm"
    )


def _kinds(result: Result) -> list[str]:
    return [kind for kind in (*OF_WORKERS, *OF_SERVICES, RESET) if result.chronicle.counts[kind]]


def _verdict(result: Result) -> list[str]:
    verdict = result.verdict
    endings = ", ".join(f"{count} {status}" for status, count in sorted(verdict.endings.items()))
    faults = ", ".join(f"{count} {fault}" for fault, count in sorted(verdict.faults.items()))
    epochs = ", ".join(f"{count} in epoch {epoch}" for epoch, count in sorted(verdict.epochs.items()))
    screens = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in verdict.screens.items())
    exact = (
        f"{verdict.exact} of {verdict.transcripts} transcripts ({verdict.bytes / 1e6:,.1f} MB) have the SHA-256 of the "
        f"database's text: {verdict.lost} lost, {verdict.doubled} doubled, {verdict.reordered} reordered, "
        f"{verdict.unseen} never seen to their end; {verdict.taken_back} shown and then taken back"
    )
    questions = (
        f"{verdict.questions} questions: {verdict.questions_lost} lost, {verdict.questions_doubled} doubled "
        f"({verdict.asked_twice} were sent more than once)"
    )
    return [
        exact,
        questions,
        f"runs: {endings}; {verdict.open_runs} open at the end" + (f" (failed: {faults})" if faults else ""),
        f"answers ended: {epochs}",
        f"screens: {screens}; closes: {dict(sorted(verdict.closes.items()))}",
    ]


def _takeovers(result: Result) -> list[str]:
    taken, deaths = result.takeovers, result.chronicle.deaths
    lines = [
        f"from {kind} to the first sight of its runs: {_times(taken.times[kind])}"
        for kind in (KILL, STOP, TERM)
        if taken.times.get(kind)
    ]
    hit, written = sum(len(one.runs) for one in deaths), sum(one.in_mid_answer for one in deaths)
    in_middle = sum(one.in_mid_answer > 0 for one in deaths)
    hits = (
        f"{len(deaths)} workers died or froze, {in_middle} of them in the middle of answers; they had {hit} open runs, "
        f"{written} with text already: {taken.ended_before} ended with the old owner, {taken.unseen} could be seen by "
        f"nobody (both screens on a frozen worker), {len(taken.never)} were never seen again"
    )
    able = (
        f"… counted from the return of Redis or PostgreSQL where one was away meanwhile ({taken.held_up} runs): "
        f"{_times(taken.able)}"
    )
    return [hits, *lines, f"takeover, all together: {_times(taken.all)}", able]


def _times(times: Sequence[float]) -> str:
    if not times:
        return "none"
    p95_s = percentile(times, 0.95)
    return f"p50 {median(times):.1f} s, p95 {p95_s:.1f} s, max {max(times):.1f} s ({len(times)} runs)"


def _broken(result: Result) -> list[str]:
    never = [f"never seen again: {run_id}" for run_id in result.takeovers.never]
    return [*result.verdict.broken, *never, *result.chronicle.trouble, *(f"log: {one}" for one in result.complaints)]
