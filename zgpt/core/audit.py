"""The audit log: who did what to an account, for ever, in the database. Everyday events belong to `logs`.

Its lines form a chain (`audit_chain`): each carries the hash of the one before, so that none can be changed, taken out
or put in unnoticed. Reading it over is in `audit_verify`, what bounds the lines of guessers in `audit_failures`.
"""

from collections.abc import Mapping
from typing import Any, cast

import structlog
from sqlalchemy import Table, insert, select, update

from zgpt.core import audit_chain, callers, clock, ids, metrics
from zgpt.core.audit_chain import AuditKey, Line
from zgpt.core.audit_failures import failures
from zgpt.core.data_key import data_key
from zgpt.core.db import Collector, at_the_end, db
from zgpt.core.models import AuditEvent, AuditHead
from zgpt.core.redaction import clean

_KEY_LABEL = "zgpt audit v1"

log = structlog.get_logger("zgpt.audit")


def audit_key() -> AuditKey:
    """The key of the current app's chain; it does not rotate, for lines are checked with it for ever."""
    return AuditKey(data_key(_KEY_LABEL))


def record(kind: str, user_id: str | None, **detail: Any) -> None:
    """Add one line to the caller's `transaction()`, so that it is kept exactly when what it tells of is.

    `kind` is snake_case in the past tense (`signed_up`, `refresh_reused`). `detail` must be small and hold no secret
    and nothing that a person wrote, for a line is never taken out again. Of the kinds `…_failed` only the first few
    about one account or from one network are lines of their own. Outside of a transaction: RuntimeError.
    """
    if kind.endswith("_failed"):
        record_failure(kind, user_id, user_id, **detail)
    else:
        _keep(kind, user_id, detail)


def record_failure(kind: str, user_id: str | None, account: str | None, **detail: Any) -> None:
    """The same for a kind `…_failed` about an account that there may not be: `account` names it for the count alone."""
    unwritten = failures().admit(kind, account, callers.counted_network())
    if unwritten is not None:
        _keep(kind, user_id, {**detail, "unwritten": unwritten} if unwritten else detail)


def _keep(kind: str, user_id: str | None, detail: Mapping[str, Any]) -> None:
    kept = {name: clean(name, value) for name, value in detail.items()}
    at_the_end(_append, Line(ids.new_id(), clock.now(), kind, user_id, callers.address(), kept))


def _append(lines: list[Line], after: Collector) -> None:
    """Chain the lines of a transaction, as the last thing in it.

    From here to the commit it holds the head, and nobody else can write a line. It asks for no other row then, so no
    two transactions can wait for each other.
    """
    key = audit_key()
    ours = AuditHead.chain == audit_chain.NAME
    head = db.session.execute(select(AuditHead.sequence, AuditHead.hash).where(ours).with_for_update()).first()
    if head is None:
        raise RuntimeError("the audit log has lost its head: bring the database back from a backup")
    sequence, previous = head
    rows: list[dict[str, Any]] = []
    for line in lines:
        sequence += 1
        digest = audit_chain.digest(key.secret, sequence, previous, line)
        rows.append(AuditEvent.row_of(line, sequence, previous, digest, key.id))
        previous = digest
    # Not by the unit of work: whoever waits for the head waits for this.
    db.session.execute(insert(cast("Table", AuditEvent.__table__)), rows)
    db.session.execute(update(AuditHead).where(ours).values(sequence=sequence, hash=previous))
    after(lambda: _tell(lines))


def _tell(lines: list[Line]) -> None:
    for line in lines:
        metrics.AUDIT_EVENTS.labels(line.kind).inc()
        log.info("audit", kind=line.kind, user_id=line.user_id, **line.detail)
