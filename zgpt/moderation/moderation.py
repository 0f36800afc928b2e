"""The front of moderation: what becomes of a prompt, of an answer's text, of a title. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import gevent
import structlog
from flask import Flask, current_app

from zgpt.core import audit
from zgpt.core.config import ConfigError, Settings
from zgpt.core.db import database_faults, transaction
from zgpt.core.errors import Unavailable
from zgpt.moderation.decisions import Decision, decisions
from zgpt.moderation.opinion import Adviser, NoOpinionError, Opinion
from zgpt.moderation.policy import DEFAULT_PATH
from zgpt.moderation.policy_file import PolicyFile
from zgpt.moderation.policy_nodes import PolicyError
from zgpt.moderation.review import Review
from zgpt.moderation.rules import Action, Hit, Policy, Rule
from zgpt.moderation.stream import StreamFilter

EXTENSION = "zgpt_moderation"
HELP_NOTICE = "self_harm"
"""The notice for who is found to be in danger by a second opinion."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a prompt: the text to store and send, or that it is blocked; and what its writer is shown."""

    text: str
    blocked: bool = False
    notice: str | None = None
    decisions: tuple[Decision, ...] = ()


class Moderation:
    """The policy in force and, where there is one, who is asked for a second opinion."""

    def __init__(self, file: PolicyFile, adviser: Adviser | None) -> None:
        self.file = file
        self._adviser = adviser

    def prompt(self, text: str) -> Verdict:
        """Judge a whole prompt; waits for the second opinion, if there is one."""
        policy = self.file.policy
        filter_ = StreamFilter(policy.prompt)
        kept = filter_.finish(text)
        made = decisions("prompt", filter_.hits, text)
        notice = _notice(policy, filter_.hits)
        if filter_.blocked is not None:
            return Verdict("", blocked=True, notice=notice, decisions=made)
        if self._adviser is None:
            return Verdict(kept, notice=notice, decisions=made)
        return self._second(self._adviser, Verdict(kept, notice=notice, decisions=made))

    def notice(self, text: str) -> str | None:
        """What the writer of a prompt is to be shown; the policy's rules alone, and nothing is counted."""
        policy = self.file.policy
        filter_ = StreamFilter(policy.prompt)
        filter_.finish(text)
        return _notice(policy, filter_.hits)

    @property
    def judges_answers(self) -> bool:
        """Whether there is anything to look for in answers."""
        return self._adviser is not None or not self.file.policy.answer.is_empty

    def answer_filter(self, before: str) -> StreamFilter:
        """The filter for a part of an answer; `before` is what was shown of it already."""
        return StreamFilter(self.file.policy.answer, before)

    def review(self, objects: Callable[[Hit], None], before: str) -> Review | None:
        """Second opinions on an answer, if there is somebody to ask; `objects` is told of what to stop it for."""
        if self._adviser is None:
            return None
        return Review(self._adviser, lambda opinion: objects(Hit(_rule_of(opinion), "")), before)

    def title(self, text: str) -> tuple[str, tuple[Decision, ...]]:
        """A title that a model made, as it may be shown: empty when it is blocked."""
        filter_ = StreamFilter(self.file.policy.answer)
        kept = filter_.finish(text)
        return ("" if filter_.blocked else kept), decisions("title", filter_.hits)

    def _second(self, adviser: Adviser, first: Verdict) -> Verdict:
        try:
            opinion = adviser.ask(first.text, "user")
        except NoOpinionError as fault:
            log.warning("moderation_no_opinion", stage="prompt", fault=str(fault), fails=adviser.fails)
            return first if adviser.fails == "open" else _with(first, _rule_of(None), blocked=True)
        if not opinion.flagged:
            return first
        if opinion.self_harm:
            # Help, not a wall: whatever else such a message holds, its writer is answered.
            return _with(first, _rule_of(opinion, "flag"), self.file.policy.notice(HELP_NOTICE, "en"))
        return _with(first, _rule_of(opinion), blocked=True)


def current_moderation(app: Flask | None = None) -> Moderation | None:
    """The moderation of this app, or of the current one; None when it is off."""
    return cast("Moderation | None", (app or current_app).extensions.get(EXTENSION))


def install_moderation(app: Flask, settings: Settings) -> None:
    """Read the policy; raises ConfigError that names the file and the line."""
    if not settings.moderation:
        return
    path = settings.moderation_policy or DEFAULT_PATH
    try:
        file = PolicyFile(path)
        adviser = Adviser(settings) if settings.moderation_url else None
    except (PolicyError, OSError) as fault:
        raise ConfigError([f"MODERATION_POLICY: {path}, {fault}"]) from None
    except ValueError as fault:
        raise ConfigError([str(fault).replace("LLM_BASE_URL", "MODERATION_URL")]) from None
    app.extensions[EXTENSION] = Moderation(file, adviser)


def start_moderation(app: Flask) -> None:
    """In the process that serves: watch the policy's file."""
    moderation = current_moderation(app)
    if moderation is not None:
        moderation.file.on_change = partial(_audit_change, app)
        gevent.spawn(moderation.file.run)


def stop_moderation(app: Flask) -> None:
    """The process ends."""
    moderation = current_moderation(app)
    if moderation is not None:
        moderation.file.stop()


def _audit_change(app: Flask, policy: Policy) -> None:
    """Another policy is in force in this process. Without a database only the log has it."""
    try:
        with app.app_context(), database_faults(), transaction():
            audit.record("moderation_policy_changed", None, digest=policy.digest)
    except Unavailable:
        log.warning("moderation_policy_not_audited", digest=policy.digest)


def _notice(policy: Policy, hits: list[Hit]) -> str | None:
    rule = next((hit.rule for hit in hits if hit.rule.notice), None)
    return policy.notice(rule.notice or "", rule.language) if rule else None


def _rule_of(opinion: Opinion | None, action: Action = "block") -> Rule:
    """What another server said, as a rule; its own words become the rule's name, never a metric's label."""
    said = "+".join(opinion.categories) if opinion else "unanswered"
    return Rule(f"opinion:{said}"[:64], "opinion", action, "", None, "")


def _with(first: Verdict, rule: Rule, notice: str | None = None, *, blocked: bool = False) -> Verdict:
    made = decisions("prompt", [Hit(rule, first.text)])
    return Verdict("" if blocked else first.text, blocked, first.notice or notice, (*first.decisions, *made))
