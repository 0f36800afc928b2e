"""Who an API key speaks for. How keys are made and ended is in `key_actions`."""

from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import or_, update

from zgpt.auth import keys
from zgpt.auth.models import ApiKey
from zgpt.auth.queries import key_by_hash
from zgpt.auth.tokens import Identity
from zgpt.core import clock
from zgpt.core.db import db, transaction
from zgpt.core.errors import Unauthorized, Unavailable

USED_EVERY_S = 3_600
"""How coarse `last_used_at` is: a write per request would cost more than the request."""
_NEVER_S = 253_402_300_799.0
"""The last second of the year 9999: the end of a key without one."""


def verify_key(key: str) -> Identity:
    """Who this key speaks for, and for what; one look by an index. Raises Unauthorized, always with the same words."""
    found = key_by_hash(keys.hash_of(key)) if len(key) <= keys.MAX_KEY_CHARS else None
    if found is None:
        raise Unauthorized
    row, role = found
    expires_at = row.expires_at.timestamp() if row.expires_at else _NEVER_S
    identity = Identity(row.user_id, row.id, role, expires_at, frozenset(row.scopes.split()))
    _note_use(row.id, row.last_used_at)
    return identity


def _note_use(key_id: str, last_used_at: datetime | None) -> None:
    """Once an hour. A database that is too busy to note it must not refuse who has a right to enter."""
    long_ago = clock.now() - timedelta(seconds=USED_EVERY_S)
    if last_used_at and last_used_at > long_ago:
        return
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= long_ago)
    with suppress(Unavailable), transaction():
        db.session.execute(update(ApiKey).where(ApiKey.id == key_id, stale).values(last_used_at=clock.now()))
