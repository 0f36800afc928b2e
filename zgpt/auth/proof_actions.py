"""Proofs with a password, for who signs in and for what is done to an account: checked, and noted when it fails."""

from sqlalchemy import update

from zgpt.auth import passwords, queries
from zgpt.auth.models import User
from zgpt.core import audit
from zgpt.core.db import db, transaction
from zgpt.core.errors import Forbidden


def require_password(user_id: str, password: str) -> str:
    """The stored hash, if this is the user's password; Forbidden else (the access token was right, so no 401)."""
    stored = queries.password_hash_of(user_id)
    let_go()
    if stored is None or not passwords.is_password(password, stored):
        record_failure("password_check_failed", user_id)
        raise Forbidden("The password is not right.", code="wrong_password")
    return stored


def record_failure(kind: str, user_id: str | None) -> None:
    """Audit something that did not happen."""
    with transaction():
        audit.record(kind, user_id)


def strengthen(known: queries.Credentials, password: str) -> None:
    """Hash anew at the cost of today's settings; now is the only time when the password is known."""
    if known.password_hash is None or not passwords.needs_rehash(known.password_hash):
        return
    better = passwords.hash_password(password)
    same = update(User).where(User.id == known.user_id, User.password_hash == known.password_hash)
    with transaction():
        db.session.execute(same.values(password_hash=better))


def let_go() -> None:
    """Give the database connection back: hashing takes long, and who waits for it must not hold one of the few."""
    db.session.rollback()
