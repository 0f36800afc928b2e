"""Proofs with a password, for who signs in and for what is done to an account: checked, and noted when it fails."""

from sqlalchemy import update

from zgpt.auth import passwords, queries
from zgpt.auth.models import User
from zgpt.core import audit
from zgpt.core.db import db, transaction
from zgpt.core.errors import Conflict, Forbidden


def require_password(user_id: str, password: str) -> str:
    """The stored hash, if this is the user's password; Forbidden else (the access token was right, so no 401)."""
    stored = queries.password_hash_of(user_id)
    let_go()
    if stored is None or not passwords.is_password(password, stored):
        record_failure("password_check_failed", user_id)
        raise Forbidden("The password is not right.", code="wrong_password")
    return stored


def record_failure(kind: str, user_id: str | None, account: str | None = None) -> None:
    """Audit something that did not happen. By its e-mail an account that there is not counts, and takes, as much."""
    with transaction():
        audit.record_failure(kind, user_id, account or user_id)


def held(user_id: str | None) -> User | None:
    """The account, unless it is shut out, locked until the caller's transaction ends.

    Who changes its password, ends its logins or shuts it out locks it too: they come before or after, never between.
    """
    mode = {"key_share": True}
    user = db.session.get(User, user_id, populate_existing=True, with_for_update=mode) if user_id else None
    return None if user is None or user.disabled_at else user


def held_with(user_id: str | None, stored: str | None) -> User | None:
    """The same, if its password is still the one with this hash.

    Hashing takes long, and a password that was changed meanwhile must open nothing that outlives the change.
    """
    user = held(user_id)
    return user if user is not None and user.password_hash == stored else None


def require_same(user_id: str, stored: str) -> User:
    """The same, or Conflict."""
    user = held_with(user_id, stored)
    if user is None:
        raise Conflict("The password was changed somewhere else just now. Sign in again.")
    return user


def strengthen(known: queries.Credentials, password: str) -> str | None:
    """Hash anew at the cost of today's settings; now is the only time when the password is known. The hash to go by."""
    if known.password_hash is None or not passwords.needs_rehash(known.password_hash):
        return known.password_hash
    better = passwords.hash_password(password)
    same = update(User).where(User.id == known.user_id, User.password_hash == known.password_hash)
    with transaction():
        swapped = db.session.scalar(same.values(password_hash=better).returning(User.id))
    return better if swapped else _of_another_sign_in(known, password)


def _of_another_sign_in(known: queries.Credentials, password: str) -> str | None:
    """The hash that a sign-in made at the same time, of the same password; else the old one, which opens nothing."""
    stored = queries.password_hash_of(known.user_id) if known.user_id else None
    let_go()
    return stored if passwords.is_password(password, stored) else known.password_hash


def let_go() -> None:
    """Give the database connection back: hashing takes long, and who waits for it must not hold one of the few."""
    db.session.rollback()
