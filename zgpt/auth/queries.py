"""Reads of users and logins. Secrets are compared elsewhere; nothing is written here."""

from dataclasses import dataclass

from sqlalchemy import select

from zgpt.auth.models import Login, User
from zgpt.core import clock
from zgpt.core.db import database_faults, db


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against; for an unknown e-mail all of it is None."""

    user_id: str | None = None
    password_hash: str | None = None


def role_of_login(user_id: str, login_id: str) -> str | None:
    """The user's role, if this login is theirs and neither it nor they are shut out; one look by primary keys."""
    live = (
        select(User.role)
        .join(Login, Login.user_id == User.id)
        .where(
            Login.id == login_id,
            User.id == user_id,
            User.disabled_at.is_(None),
            Login.revoked_at.is_(None),
            Login.expires_at > clock.now(),
        )
    )
    with database_faults():
        return db.session.scalar(live)


def credentials_of(email: str) -> Credentials:
    """The credentials behind a lower-cased e-mail of an account that is not disabled."""
    found = db.session.execute(
        select(User.id, User.password_hash).where(User.email == email, User.disabled_at.is_(None))
    ).first()
    return Credentials(*found) if found else Credentials()


def password_hash_of(user_id: str) -> str | None:
    """The stored hash of a user's password, or None for a guest."""
    return db.session.scalar(select(User.password_hash).where(User.id == user_id))


def login_by_id(login_id: str) -> Login | None:
    """The login as it is in the database now, whatever was read of it before."""
    return db.session.get(Login, login_id, populate_existing=True)
