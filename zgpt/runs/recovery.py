"""Takes up, at the start of a process, the answers that were being written when the last one died."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from sqlalchemy import or_, select

from zgpt.core import clock
from zgpt.core.db import db
from zgpt.llm.base import Provider
from zgpt.realtime.live import RunHead
from zgpt.runs import ending
from zgpt.runs.active import ActiveRun, Fault, Outcome
from zgpt.runs.models import Run
from zgpt.runs.queries import OPEN
from zgpt.runs.runner import Runner

MOST_DEATHS = 8
"""A run that took so many processes down with it is not tried again. More than a machine has workers (six): when they
are killed one after another, each time whoever is next may have taken it over."""
OLDEST_S = 900
"""After a quarter of an hour nobody waits for an answer to go on by itself; a retry is one press away."""

INTERRUPTED = Fault(
    "interrupted", "The server was restarted while this answer was written. What came is kept. Try again.", True
)


def recover(runner: Runner, provider: Provider, living: Collection[str] = ()) -> int:
    """Take up every open run that none of the `living` processes owns; returns how many.

    Without Redis there is only one process, besides one that ends and lets its runs go: see `alone`. With Redis,
    `takeover` does this all the time.
    """
    is_nobodys = or_(Run.owner.is_(None), Run.owner.not_in([runner.owner, *living]))
    wanted = select(Run.id, Run.epoch).where(Run.status.in_(OPEN), is_nobodys)
    interrupted = {row.id: row.epoch for row in db.session.execute(wanted)}
    claimed = ending.claim_all(interrupted, runner.owner) if interrupted else {}
    for run in claimed.values():
        take_up(runner, provider, run, ending.head_of(run), checkpoint_of(run))
    return len(claimed)


def checkpoint_of(run: Run) -> dict[str, bytes]:
    """The text that the database has kept."""
    return {"text": run.text_kept.encode(), "reasoning": run.reasoning_kept.encode()}


def take_up(runner: Runner, provider: Provider, run: Run, head: RunHead, kept: Mapping[str, bytes]) -> ActiveRun:
    """Go on with a claimed run after what was shown (`kept`), begin it anew, or end it in words."""
    if run.stop_requested_at is not None:
        return runner.enqueue(head, kept, outcome=Outcome("stopped"))
    if run.deaths >= MOST_DEATHS or clock.now() - run.created_at > timedelta(seconds=OLDEST_S):
        return runner.enqueue(head, kept, outcome=Outcome("failed", INTERRUPTED))
    if kept["text"] and provider.can_continue:
        return runner.enqueue(head, kept)
    return runner.enqueue(head, shown=kept)
