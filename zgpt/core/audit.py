"""The audit log: who did what to an account, for ever, in the database. Everyday events belong to `logs`."""

from typing import Any

import structlog

from zgpt.core import callers, metrics
from zgpt.core.db import db
from zgpt.core.models import AuditEvent
from zgpt.core.redaction import clean

log = structlog.get_logger("zgpt.audit")


def record(kind: str, user_id: str | None, **detail: Any) -> None:
    """Add one line inside the caller's `transaction()`, so that it is kept exactly when what it tells of is.

    `kind` is snake_case in the past tense (`signed_up`, `refresh_reused`). `detail` must be small and hold no secret.
    """
    kept = {name: clean(name, value) for name, value in detail.items()}
    db.session.add(AuditEvent(kind=kind, user_id=user_id, ip=callers.address(), detail=kept))
    metrics.AUDIT_EVENTS.labels(kind).inc()
    log.info("audit", kind=kind, user_id=user_id, **kept)
