"""API keys: made, listed, revoked. How they are checked is in `key_access`."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import ColumnElement, update

from zgpt.auth import keys, proof_actions, queries
from zgpt.auth.keys import Scope
from zgpt.auth.models import ApiKey
from zgpt.auth.tokens import Identity
from zgpt.core import audit, clock
from zgpt.core.db import Collector, db, transaction
from zgpt.core.errors import Conflict, NotFound
from zgpt.realtime.close_codes import LOGIN_ENDED
from zgpt.realtime.server import current

KEYS_MAX = 50
"""One per program and machine; more are made by mistake."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key's row, and the key itself, which is kept nowhere."""

    row: ApiKey
    key: str


def make(identity: Identity, password: str, name: str, scopes: list[Scope], expires_in_days: int | None) -> NewKey:
    """A new key. Conflict `too_many_keys` at fifty."""
    stored = proof_actions.require_password(identity.user_id, password)
    key, now = keys.new_key(), clock.now()
    row = ApiKey(user_id=identity.user_id, name=name, scopes=" ".join(sorted(set(scopes))), created_at=now)
    row.start, row.key_hash = key[: keys.START_CHARS], keys.hash_of(key)
    row.expires_at = now + timedelta(days=expires_in_days) if expires_in_days else None
    with transaction():
        proof_actions.require_same(identity.user_id, stored)
        if len(queries.live_keys(identity.user_id)) >= KEYS_MAX:
            raise Conflict(f"There are {KEYS_MAX} keys already. Delete one first.", code="too_many_keys")
        db.session.add(row)
        db.session.flush()
        audit.record("key_made", identity.user_id, key_id=row.id, scopes=row.scopes)
    return NewKey(row, key)


def revoke(identity: Identity, key_id: str) -> None:
    """End a key of one's own, and its sockets everywhere; NotFound for any other."""
    with transaction() as after:
        if not _revoke(ApiKey.id == key_id, identity.user_id, after):
            raise NotFound


def revoke_all(user_id: str, after: Collector) -> None:
    """End all keys of a user, inside the caller's transaction."""
    _revoke(ApiKey.id.is_not(None), user_id, after)


def _revoke(which: ColumnElement[bool], user_id: str, after: Collector) -> int:
    mine = update(ApiKey).where(ApiKey.user_id == user_id, which, ApiKey.revoked_at.is_(None))
    ended = list(db.session.scalars(mine.values(revoked_at=clock.now()).returning(ApiKey.id)))
    for key_id in ended:
        audit.record("key_revoked", user_id, key_id=key_id)
        after(partial(current().broker.revoke, user_id, key_id, LOGIN_ENDED))
    return len(ended)
