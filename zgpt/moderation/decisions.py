"""What moderation decided, as it is counted, logged and audited: never with the text it was decided on."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zgpt.core import audit, metrics
from zgpt.core.data_key import data_key
from zgpt.moderation.rules import Action, Hit, StageName

KIND = "moderated"
_KEY_LABEL = "zgpt moderation v1"


@dataclass(frozen=True, slots=True)
class Decision:
    """One rule and what it did. `text` is what it is about: it becomes a digest and a length, and goes nowhere else."""

    stage: StageName
    action: Action
    category: str
    rule: str
    text: str


def decisions(stage: StageName, hits: Iterable[Hit], text: str | None = None) -> tuple[Decision, ...]:
    """One decision for each rule that matched, counted; about the matched text, or about `text`."""
    found: dict[str, Decision] = {}
    for hit in hits:
        rule = hit.rule
        metrics.MODERATION.labels(stage, rule.action, rule.category).inc()
        about = hit.text if text is None else text
        found.setdefault(rule.id, Decision(stage, rule.action, rule.category, rule.id, about))
    return tuple(found.values())


def record(made: Sequence[Decision], user_id: str | None, **where: str) -> None:
    """Audit the decisions inside the caller's `transaction()`.

    The digest is an HMAC-SHA-256 with a secret of this installation: the same text has the same digest, so that a
    repeated attempt is seen, and nobody can find a short text by trying.
    """
    for decision in made:
        digest = hmac.new(data_key(_KEY_LABEL), decision.text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
        audit.record(
            KIND,
            user_id,
            stage=decision.stage,
            action=decision.action,
            category=decision.category,
            rule=decision.rule,
            chars=len(decision.text),
            hmac_sha256=digest,
            **where,
        )
