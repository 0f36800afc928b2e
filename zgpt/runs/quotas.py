"""What a person may still have written: open runs, tokens of the day, cost of the month. How often: `core.limits`.

Both functions run inside a transaction that holds the user's row, so that no two processes count the same user at once.
A process that dies books nothing; the run stays open, and whoever ends it books it, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Executable, Select, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite

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
COUNTED = ("prompt_tokens", "completion_tokens", "cost_micros")
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
    row = {"user_id": run.user_id, "day": _today(), "cost_micros": cost_micros(used)}
    row |= {"prompt_tokens": used.prompt_tokens, "completion_tokens": used.completion_tokens}
    connection = db.session.connection()
    connection.execute(_add_usage(connection.dialect.name), row)


def cost_micros(used: Usage) -> int:
    """Millionths of the currency: a price per million tokens is one in millionths per token."""
    return round(used.prompt_tokens * settings().price_input + used.completion_tokens * settings().price_output)


def quotas_of(user_id: str) -> Quotas:
    """Where the user stands."""
    today = _today()
    values = {"owner_id": user_id, "today": today, "month": today.replace(day=1)}
    # By the session, and not through `core.limits`, which would take a second connection inside of a transaction.
    runs, tokens, cost, own_runs, own_tokens, own_cost = db.session.connection().execute(_standing(), values).one()
    midnight = datetime.combine(today, datetime.min.time(), UTC) + timedelta(days=1)
    chosen = settings()
    return Quotas(
        Quota(runs, (chosen.quota_runs if own_runs is None else own_runs) or None),
        Quota(tokens, (chosen.quota_tokens_per_day if own_tokens is None else own_tokens) or None, midnight),
        Quota(
            cost / MICROS,
            (chosen.quota_cost_per_month if own_cost is None else own_cost) or None,
            _next_month(midnight),
        ),
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


@cache
def _standing() -> Select[Any]:
    """Open runs, tokens of the day, cost of the month, and the user's own limits (or null) of these three.

    One statement, made once: every question asks it.
    """
    owner_id = bindparam("owner_id", type_=Run.user_id.type)
    runs = select(func.count()).select_from(Run).where(Run.user_id == owner_id, Run.status.in_(OPEN))
    mine = select(UsageDay.prompt_tokens + UsageDay.completion_tokens).where(UsageDay.user_id == owner_id)
    tokens = mine.where(UsageDay.day == bindparam("today", type_=UsageDay.day.type))
    spent = select(func.sum(UsageDay.cost_micros)).where(UsageDay.user_id == owner_id)
    cost = spent.where(UsageDay.day >= bindparam("month", type_=UsageDay.day.type))
    own = [
        select(RateLimit.amount).where(RateLimit.user_id == owner_id, RateLimit.name == name).scalar_subquery()
        for name in ("runs", "tokens", "cost")
    ]
    return select(
        runs.scalar_subquery(),
        func.coalesce(tokens.scalar_subquery(), 0),
        # PostgreSQL adds up whole numbers as decimals.
        cast(func.coalesce(cost.scalar_subquery(), 0), BigInteger),
        *own,
    )


@cache
def _add_usage(dialect: str) -> Executable:
    """A row of a user's day, added to what there is; made once per kind of database."""
    added = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(UsageDay)
    sums = {name: getattr(UsageDay, name) + added.excluded[name] for name in COUNTED}
    return added.on_conflict_do_update(index_elements=["user_id", "day"], set_=sums)


def _today() -> date:
    return clock.now().date()


def _next_month(midnight: datetime) -> datetime:
    last = midnight - timedelta(days=1)
    return (last.replace(day=1) + timedelta(days=32)).replace(day=1)
