"""Where moderation meets what is stored: prompts before they are, decisions about answers beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gevent
import structlog
from flask import Flask

from zgpt.core.db import transaction
from zgpt.core.errors import Problem
from zgpt.moderation.decisions import Decision, decisions, record
from zgpt.moderation.moderation import Verdict, current_moderation
from zgpt.moderation.rules import Hit
from zgpt.realtime.live import RunHead
from zgpt.runs.screen import Screen

AUDIT_PATIENCE_S = 60.0
"""How long a decision about an answer is kept for a database that is away; it stands in the log in any case."""

log = structlog.get_logger(__name__)


class Blocked(Problem):
    """A prompt that a rule objects to. Nothing of it was stored."""

    code, status = "blocked", 422
    message = "This message goes against the rules of this service: it was neither sent nor kept. You can change it."


class Writer(Protocol):
    """Writes to the database from a greenlet: the runner."""

    def persist(self, write: Callable[[], Any], for_s: float | None = None) -> Any: ...


def judge_prompt(user_id: str, text: str) -> Verdict:
    """The text as it may be stored. Raises Blocked, once that is audited. Call it outside of a transaction."""
    moderation = current_moderation()
    if moderation is None:
        return Verdict(text)
    verdict = moderation.prompt(text)
    if not verdict.blocked:
        return verdict
    with transaction():
        record(verdict.decisions, user_id)
    raise Blocked(f"{Blocked.message} {verdict.notice}" if verdict.notice else None)


def notice_for(text: str) -> str | None:
    """What the writer of a stored prompt is to be shown: for who never saw the answer to the sending of it."""
    moderation = current_moderation()
    return moderation.notice(text) if moderation else None


def screen_for(writer: Writer, app: Flask, head: RunHead, kept: Mapping[str, bytes]) -> Screen | None:
    """The filter of a run's text; None when there is nothing to look for."""
    moderation = current_moderation(app)
    if moderation is None or not moderation.judges_answers:
        return None
    told: set[str] = set()

    def report(hits: list[Hit]) -> None:
        made = [decision for decision in decisions("answer", hits) if decision.rule not in told]
        told.update(decision.rule for decision in made)
        if made:
            gevent.spawn(_audit, writer, head, made)

    return Screen(moderation, kept, report)


def judge_title(app: Flask, user_id: str, title: str) -> str:
    """A title that a model made, as it may be shown; empty when a rule blocks it."""
    moderation = current_moderation(app)
    if moderation is None or not title:
        return title
    kept, made = moderation.title(title)
    if made:
        with app.app_context(), transaction():
            record(made, user_id)
    return kept


def _audit(writer: Writer, head: RunHead, made: list[Decision]) -> None:
    def write() -> bool:
        with transaction():
            record(made, head.user_id, run_id=head.run_id)
        return True

    if not writer.persist(write, for_s=AUDIT_PATIENCE_S):
        log.error("moderation_not_audited", run_id=head.run_id, rules=[decision.rule for decision in made])
