"""What a person may still have written: open runs, tokens of the day, cost of the month. How often: `core.limits`.

Both functions run inside a transaction that holds the user's row, so that no two processes count the same user at once.
A process that dies books nothing; the run stays open, and whoever ends it books it, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from zgpt.core import clock, metrics
from zgpt.core.config import settings
from zgpt.core.db import db
from zgpt.core.errors import RateLimited
from zgpt.core.models import RateLimit
from zgpt.llm.base import Usage
from zgpt.runs.models import Run, UsageDay
from zgpt.runs.queries import OPEN

RUNS_RETRY_MS = 5_000
"""An answer takes some seconds; sooner there is hardly room again."""
MICROS = 1_000_000
WORDS = {
    "tokens": "You have used up your tokens for today. There are new ones at midnight UTC.",
    "cost": "You have used up what your answers may cost in this month. It begins anew with the next one.",
}


@dataclass(frozen=True, slots=True)
class Quota:
    """One quota of one user: what is used, how much there is (None: no limit), and when it begins anew."""

    used: float
    limit: float | None
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Quotas:
    """All quotas of one user. The unit of `cost` is the currency of the prices."""

    runs: Quota
    tokens: Quota
    cost: Quota


def check_quotas(user_id: str) -> None:
    """Raises RateLimited when the user may have no further run now.

    Open runs are counted with the most that they may write, so that many at once cannot pass the line together; the
    one that reaches it is finished, and its question may overshoot by as much as the context holds.
    """
    quotas = quotas_of(user_id)
    most = quotas.runs.limit
    if most is not None and quotas.runs.used >= most:
        words = f"{most:.0f} answers are being written for you already. Stop one, or wait for its end."
        raise _refused("runs", "too_many_runs", words, RUNS_RETRY_MS)
    coming = quotas.runs.used * settings().llm_max_output_tokens
    _check(quotas.tokens, coming, "tokens")
    _check(quotas.cost, coming * settings().price_output / MICROS, "cost")


def book(run: Run, used: Usage) -> None:
    """Count what an ended run has used, for the day on which it ended."""
    today = _today()
    row = db.session.get(UsageDay, (run.user_id, today))
    if row is None:
        row = UsageDay(user_id=run.user_id, day=today, prompt_tokens=0, completion_tokens=0, cost_micros=0)
        db.session.add(row)
    row.prompt_tokens += used.prompt_tokens
    row.completion_tokens += used.completion_tokens
    row.cost_micros += cost_micros(used)


def cost_micros(used: Usage) -> int:
    """Millionths of the currency: a price per million tokens is one in millionths per token."""
    return round(used.prompt_tokens * settings().price_input + used.completion_tokens * settings().price_output)


def quotas_of(user_id: str) -> Quotas:
    """Where the user stands."""
    tokens, cost = _used(user_id)
    own = _own_limits(user_id)
    midnight = datetime.combine(_today(), datetime.min.time(), clock.now().tzinfo) + timedelta(days=1)
    chosen = settings()
    return Quotas(
        Quota(_open_runs(user_id), own.get("runs", chosen.quota_runs) or None),
        Quota(tokens, own.get("tokens", chosen.quota_tokens_per_day) or None, midnight),
        Quota(cost / MICROS, own.get("cost", chosen.quota_cost_per_month) or None, _next_month(midnight)),
    )


def quotas_json(user_id: str) -> dict[str, Any]:
    """Where the user stands, for REST."""
    quotas = quotas_of(user_id)
    named = {"runs": quotas.runs, "tokens": quotas.tokens, "cost": quotas.cost}
    return {
        name: {
            "used": quota.used,
            "limit": quota.limit,
            "resets_at": clock.iso(quota.resets_at) if quota.resets_at else None,
        }
        for name, quota in named.items()
    }


def _check(quota: Quota, coming: float, name: str) -> None:
    if quota.limit is not None and quota.resets_at is not None and quota.used + coming >= quota.limit:
        left = quota.resets_at - clock.now()
        raise _refused(name, "quota_exhausted", WORDS[name], int(left.total_seconds() * 1_000))


def _refused(name: str, code: str, words: str, retry_after_ms: int) -> RateLimited:
    metrics.RATE_LIMITED.labels(name).inc()
    return RateLimited(words, code=code, retryable=code == "too_many_runs", retry_after_ms=retry_after_ms)


def _own_limits(user_id: str) -> dict[str, int]:
    """By the session, and not through `core.limits`, which would take a second connection inside of a transaction."""
    own = select(RateLimit.name, RateLimit.amount).where(RateLimit.user_id == user_id)
    return {row.name: row.amount for row in db.session.execute(own)}


def _open_runs(user_id: str) -> int:
    open_of_user = select(func.count()).select_from(Run).where(Run.user_id == user_id, Run.status.in_(OPEN))
    return db.session.scalar(open_of_user) or 0


def _used(user_id: str) -> tuple[int, int]:
    """Tokens of today, and millionths of the currency of this month."""
    today = _today()
    rows = db.session.execute(
        select(UsageDay.day, UsageDay.prompt_tokens + UsageDay.completion_tokens, UsageDay.cost_micros).where(
            UsageDay.user_id == user_id, UsageDay.day >= today.replace(day=1)
        )
    ).all()
    return sum(tokens for day, tokens, _ in rows if day == today), sum(cost for _, _, cost in rows)


def _today() -> date:
    return clock.now().date()


def _next_month(midnight: datetime) -> datetime:
    last = midnight - timedelta(days=1)
    return (last.replace(day=1) + timedelta(days=32)).replace(day=1)
