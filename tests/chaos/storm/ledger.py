"""What the people asked and the screens hold, laid beside what the database holds: what is lost, doubled, wrong."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.script import Script

Json = Mapping[str, Any]
OPEN = ("queued", "streaming")
RUNS = """SELECT r.id, r.status, m.text, r.sha256->>'text', r.epoch, r.error_code
    FROM runs r JOIN messages m ON m.id = r.message_id"""
QUESTIONS = "SELECT session_id, client_id, id, text FROM messages WHERE role = 'user' ORDER BY id"
ANSWERS = "SELECT count(*) FROM messages WHERE role = 'assistant'"


@dataclass(slots=True)
class Stored:
    """What the database holds."""

    runs: dict[str, tuple[str, str, str | None, int, str | None]]
    questions: dict[str, list[tuple[str, str, str]]]
    answers: int


@dataclass(slots=True)
class Verdict:
    """Counts over all screens; `broken` tells the first of what is wrong in words."""

    streams: int = 0
    questions: int = 0
    asked_twice: int = 0
    transcripts: int = 0
    exact: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    unseen: int = 0
    taken_back: int = 0
    open_runs: int = 0
    questions_lost: int = 0
    questions_doubled: int = 0
    bytes: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    epochs: Counter[int] = field(default_factory=Counter)
    screens: Counter[str] = field(default_factory=Counter)
    closes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        wrong = self.lost + self.doubled + self.reordered + self.unseen + self.taken_back + self.open_runs
        return not (self.broken or wrong or self.questions_lost or self.questions_doubled) and self.exact > 0


def read(dsn: str) -> Stored:
    """Everything from the database, read past the server."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        runs = {str(row[0]): tuple(row[1:]) for row in connection.execute(RUNS).fetchall()}
        questions: dict[str, list[tuple[str, str, str]]] = {}
        for session_id, client_id, message_id, text in connection.execute(QUESTIONS).fetchall():
            questions.setdefault(str(session_id), []).append((str(client_id), str(message_id), text))
        counted = connection.execute(ANSWERS).fetchone()
    return Stored(runs, questions, counted[0] if counted else 0)


def judge(streams: Sequence[Json], stored: Stored) -> Verdict:
    """Every stream against the database; a run nobody asked for, and one that has not ended, are faults as well."""
    verdict = Verdict(streams=len(streams))
    for stream in streams:
        _judge_questions(stream, stored, verdict)
        for screen in stream["screens"]:
            _judge_screen(stream, screen, stored, verdict)
        for asked in stream["asked"]:
            _judge_answer(asked, stored, verdict)
    verdict.open_runs = sum(1 for run in stored.runs.values() if run[0] in OPEN)
    if not len(stored.runs) == stored.answers == verdict.questions:
        verdict.broken.append(f"{verdict.questions} questions, {stored.answers} answers, {len(stored.runs)} runs")
    return verdict


def _judge_questions(stream: Json, stored: Stored, verdict: Verdict) -> None:
    """What was asked stands in the database once, in order; so it does on every screen."""
    asked = [one["client_id"] for one in stream["asked"]]
    kept = stored.questions.get(stream["session_id"], [])
    verdict.questions += len(asked)
    verdict.asked_twice += sum(one.get("tries", 0) > 1 for one in stream["asked"])
    names = [client_id for client_id, _, _ in kept]
    verdict.questions_lost += len(set(asked) - set(names))
    verdict.questions_doubled += len(names) - len(set(names)) + len(set(names) - set(asked))
    if names != asked or [text for _, _, text in kept] != [one["text"] for one in stream["asked"]]:
        verdict.broken.append(f"session {stream['session_id']}: {len(asked)} questions asked, {len(names)} stored")
    for screen in stream["screens"]:
        if sorted(screen["users"]) != sorted(message_id for _, message_id, _ in kept):
            verdict.broken.append(
                f"session {stream['session_id']}: a screen shows {len(screen['users'])} of {len(kept)}"
            )
    verdict.broken += [f"refused: {one['refused']}" for one in stream["asked"] if one.get("refused")]


def _judge_screen(stream: Json, screen: Json, stored: Stored, verdict: Verdict) -> None:
    for name in ("duplicates", "gaps", "swaps", "asked_again", "connections", "resets"):
        verdict.screens[name] += screen[name]
    verdict.closes.update(screen["closes"])
    verdict.taken_back += screen["contradicted"]
    verdict.broken += screen["broken"]
    for asked in stream["asked"]:
        if asked.get("sent"):
            _judge_transcript(asked["sent"]["run_id"], screen, stored, verdict)


def _judge_transcript(run_id: str, screen: Json, stored: Stored, verdict: Verdict) -> None:
    """The SHA-256 of what is shown against that of what is stored; a difference is named after its length."""
    verdict.transcripts += 1
    _, text, _, _, _ = stored.runs.get(run_id, ("gone", "", None, 0, None))
    data = text.encode()
    _, size, digest = screen["runs"].get(run_id, ["unseen", -1, ""])
    verdict.bytes += max(0, size)
    if digest == hashlib.sha256(data).hexdigest():
        verdict.exact += 1
        return
    kind = "unseen" if size < 0 else "lost" if size < len(data) else "doubled" if size > len(data) else "reordered"
    setattr(verdict, kind, getattr(verdict, kind) + 1)
    verdict.broken.append(f"run {run_id}: {size} bytes shown, {len(data)} stored")


def _judge_answer(asked: Json, stored: Stored, verdict: Verdict) -> None:
    """What is stored is what the model said: all of it, or, where the run failed, a beginning of it."""
    if not asked.get("sent"):
        verdict.broken.append(f"never taken: {asked['text'][:40]}")
        return
    run_id = asked["sent"]["run_id"]
    status, text, digest, epoch, fault = stored.runs.get(run_id, ("gone", "", None, 0, None))
    verdict.endings[status] += 1
    verdict.epochs[epoch] += 1
    if fault:
        verdict.faults[fault] += 1
    tokens, seed = asked["script"]
    said = Script(tokens, seed=seed).text()
    if status == "completed" and text != said:
        verdict.broken.append(f"run {run_id} completed with {len(text)} of {len(said)} characters, or with others")
    elif status != "completed" and not said.startswith(text):
        verdict.broken.append(f"run {run_id} ({status}) holds what the model never said")
    if text and digest != hashlib.sha256(text.encode()).hexdigest():
        verdict.broken.append(f"run {run_id}: the SHA-256 that was told is not that of the stored text")
