"""Secrets that work once: given out, looked at, used up. What one allows is its caller's affair."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, delete, select, update

from zgpt.auth.models import Ticket
from zgpt.core import clock
from zgpt.core.db import db

Purpose = Literal["sign_up", "password_reset", "new_email", "second_factor", "sprayed"]
LINK_LIFE_S = 3_600
"""OWASP ASVS 6.4: long enough for a letter to come, short enough for a mailbox that is read by others later."""
MAX_TOKEN_CHARS = 64
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Found:
    """What a good ticket says: whose it is (None: somebody without an account) and what was noted with it."""

    user_id: str | None
    detail: dict[str, Any]


def issue(purpose: Purpose, user_id: str | None, life_s: int, **detail: Any) -> str:
    """A new ticket, inside the caller's transaction; its secret, which is kept nowhere."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    ticket = Ticket(user_id=user_id, purpose=purpose, token_hash=hash_of(token), detail=detail, tries=0)
    ticket.expires_at = clock.now() + timedelta(seconds=life_s)
    db.session.add(ticket)
    db.session.flush()
    return token


def mark(purpose: Purpose, known: str, life_s: int) -> bool:
    """A ticket for a secret that others know too, inside the caller's transaction; False when there is one already."""
    if look(purpose, known):
        return False
    db.session.execute(delete(Ticket).where(Ticket.token_hash == hash_of(known)))
    ticket = Ticket(purpose=purpose, token_hash=hash_of(known), detail={}, tries=0)
    ticket.expires_at = clock.now() + timedelta(seconds=life_s)
    db.session.add(ticket)
    db.session.flush()
    return True


def look(purpose: Purpose, token: str) -> Found | None:
    """What a ticket says, without using it up; None for one that is unknown, used or too old."""
    return _found(db.session.execute(select(Ticket.user_id, Ticket.detail).where(_is_good(purpose, token))).first())


def take(purpose: Purpose, token: str) -> Found | None:
    """The same, used up, inside the caller's transaction: of several at once, one gets it."""
    gone = delete(Ticket).where(_is_good(purpose, token)).returning(Ticket.user_id, Ticket.detail)
    return _found(db.session.execute(gone).first())


def try_once(purpose: Purpose, token: str, tries_max: int) -> Found | None:
    """The same, counted as a try, inside the caller's transaction; None after the last one."""
    again = update(Ticket).where(_is_good(purpose, token), Ticket.tries < tries_max).values(tries=Ticket.tries + 1)
    return _found(db.session.execute(again.returning(Ticket.user_id, Ticket.detail)).first())


def void_all(user_id: str) -> None:
    """Take back every ticket of a user, inside the caller's transaction: what was true for them changed."""
    db.session.execute(delete(Ticket).where(Ticket.user_id == user_id))


def hash_of(token: str) -> str:
    """What is stored of a secret with 256 random bits: SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def _is_good(purpose: Purpose, token: str) -> ColumnElement[bool]:
    return (Ticket.token_hash == hash_of(token)) & (Ticket.purpose == purpose) & (Ticket.expires_at > clock.now())


def _found(row: Any) -> Found | None:
    return Found(row.user_id, row.detail) if row else None
