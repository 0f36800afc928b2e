"""What the database is told of a run: it begins, it is kept, it ends. Every write is fenced by the run's epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any, Literal, cast

from sqlalchemy import Table, bindparam, func, select

from zgpt.chat.actions import announce, finish_message, lock_user
from zgpt.chat.models import ChatSession, Message
from zgpt.chat.queries import path_to
from zgpt.core import clock
from zgpt.core.db import UtcDateTime, db, transaction
from zgpt.llm.base import Turn, Usage, count_tokens
from zgpt.realtime.live import RunHead
from zgpt.realtime.protocol import RunCompleted
from zgpt.runs.active import ActiveRun, Outcome
from zgpt.runs.models import Run
from zgpt.runs.queries import OPEN
from zgpt.runs.quotas import book
from zgpt.runs.schemas import error_json, written_json

Ended = Literal["told", "untold", "lost"]
"""What became of the end of a run: untold is that of a deleted one, lost that of one that another process owns."""

_runs = cast("Table", Run.__table__)
_begin = (
    _runs.update()
    .where(_runs.c.id == bindparam("run_id"), _runs.c.epoch == bindparam("of_epoch"), _runs.c.status.in_(OPEN))
    .values(status="streaming", started_at=func.coalesce(_runs.c.started_at, bindparam("now", type_=UtcDateTime())))
)
_with_place = (
    select(Run, Message, ChatSession)
    .join(Message, Message.id == Run.message_id)
    .join(ChatSession, ChatSession.id == Run.session_id)
    .where(Run.id == bindparam("held_id"))
    .with_for_update(of=Run)
    .execution_options(populate_existing=True)
)
"""A run, locked, with what it writes. A deletion of the session waits for the user's row, which is locked before."""
_checkpoint = (
    _runs.update()
    .where(_runs.c.id == bindparam("run_id"), _runs.c.epoch == bindparam("of_epoch"), _runs.c.status == "streaming")
    .values(text_kept=bindparam("text"), reasoning_kept=bindparam("reasoning"))
)


def begin_run(head: RunHead) -> list[Turn] | None:
    """Mark the run as streaming; returns the branch up to its question, or None when it is no longer ours to write."""
    with transaction():
        named = {"run_id": head.run_id, "of_epoch": head.epoch, "now": clock.now()}
        if db.session.connection().execute(_begin, named).rowcount == 0:
            return None
        # The answer itself has no text before its end, and is left out below.
        branch = path_to(head.message_id)
    return [Turn(message.role, message.text) for message in branch if message.text]


def save_checkpoints(active: Iterable[ActiveRun]) -> bool:
    """Keep the text of these runs, all in one transaction: one per run would cost more than the tokens themselves.

    False when it was not written for all of them: some have ended meanwhile, or belong to another process by now.
    """
    sizes = {run: run.size for run in active}
    rows = [_row(run) for run in sizes]
    if not rows:
        return True
    with transaction():
        written = db.session.connection().execute(_checkpoint, rows).rowcount
    for run, size in sizes.items():
        run.saved_bytes = size
    return bool(written == len(rows))


def end_run(active: ActiveRun, outcome: Outcome, tell: Callable[[RunCompleted], None]) -> Ended:
    """The final message and the run's end in one transaction, if the run is ours still.

    `tell` gets the end after the commit and before the session's own event, which carries the same revision. A commit
    whose answer was lost is told by the next try, as it stands.
    """
    text, reasoning = _decoded(active)
    with transaction() as after:
        # The user's row first, as everywhere: else a session could be deleted between our look at it and our write.
        lock_user(active.head.user_id)
        held = db.session.execute(_with_place, {"held_id": active.head.run_id}).first()
        if held is None:
            return "untold"
        run, message, session = held
        if run.epoch != active.head.epoch:
            return "lost"
        deleted = session.deleted_at is not None
        if run.status in OPEN:
            if not deleted:
                finish_message(message, text, reasoning)
            _fill(run, active, outcome)
            db.session.flush()
        if deleted:
            return "untold"
        after(partial(tell, completed_event(run, message)))
        announce(session, after)
    return "told"


def claim(run_id: str, epoch: int, owner: str) -> RunHead | None:
    """Take an open run over from a process that is gone: its next epoch is ours. None when another was faster."""
    run = claim_all({run_id: epoch}, owner).get(run_id)
    return head_of(run) if run is not None else None


def claim_all(epochs: Mapping[str, int], owner: str, *, died: bool = False) -> dict[str, Run]:
    """The same for several runs (id: epoch) in one transaction; those that another was faster with are left out.

    The rows are as they are after it: what was kept of an earlier epoch is all that was, and no more will come.
    `died`: count an attempt that came to nothing, though it was this process's own.
    """
    with transaction():
        # A row that is locked may be held by a process that stands still; it is tried again, the others are not kept.
        rows = select(Run).where(Run.id.in_(epochs)).order_by(Run.id).with_for_update(skip_locked=True)
        found = db.session.scalars(rows.execution_options(populate_existing=True)).all()
        ours = [run for run in found if run.epoch == epochs[run.id] and run.status in OPEN]
        for run in ours:
            run.deaths += died or run.owner not in {None, owner}
            run.epoch, run.owner = run.epoch + 1, owner
        return {run.id: run for run in ours}


def head_of(run: Run) -> RunHead:
    """What viewers and the log need to know of a run."""
    return RunHead(run.user_id, run.session_id, run.id, run.message_id, run.epoch)


def release(owner: str) -> None:
    """Let go of this process's open runs, so that another one goes on at once."""
    with transaction():
        db.session.execute(_runs.update().where(_runs.c.owner == owner, _runs.c.status.in_(OPEN)).values(owner=None))


def completed_event(run: Run, message: Message) -> RunCompleted:
    """The end of a run as it is told to its viewers."""
    return RunCompleted(
        session_id=run.session_id,
        run_id=run.id,
        message_id=run.message_id,
        status=cast("Any", run.status),
        ends=run.ends or {},
        sha256=run.sha256 or {},
        usage=run.usage,
        error=error_json(run),
        message=written_json(message, run),
        revision=message.revision,
    )


def _fill(run: Run, active: ActiveRun, outcome: Outcome) -> None:
    run.status, run.ended_at = outcome.status, clock.now()
    if active.first_s is not None:
        run.first_token_at = run.ended_at - timedelta(seconds=clock.monotonic() - active.first_s)
    run.usage = asdict(outcome.usage) if outcome.usage else None
    if used := _used(active, outcome):
        book(run, used)
    run.ends, run.sha256 = active.ends(), active.digests()
    # The final text stands in the message: keeping it twice would double the table.
    run.text_kept = run.reasoning_kept = ""
    if outcome.fault:
        run.error_code, run.error_message = outcome.fault.code, outcome.fault.message
        run.error_retryable = outcome.fault.retryable


def _used(active: ActiveRun, outcome: Outcome) -> Usage | None:
    """What the model told, else an estimate; None when it was never asked."""
    if outcome.usage or not active.prompt_tokens:
        return outcome.usage
    return Usage(active.prompt_tokens, sum(count_tokens(text.decode()) for text in active.texts.values()))


def _row(active: ActiveRun) -> dict[str, object]:
    text, reasoning = _decoded(active)
    return {"run_id": active.head.run_id, "of_epoch": active.head.epoch, "text": text, "reasoning": reasoning}


def _decoded(active: ActiveRun) -> tuple[str, str]:
    return active.texts["text"].decode(), active.texts["reasoning"].decode()
