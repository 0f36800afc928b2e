"""Reads of users and logins. Secrets are compared elsewhere; nothing is written here."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Select, bindparam, select

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
    values = {"of_login": login_id, "of_user": user_id, "moment": clock.now()}
    with database_faults():
        role: str | None = db.session.scalar(_live_role(), values)
        return role


@cache
def _live_role() -> Select[str]:
    """Made once: every request and every connection that comes back asks this."""
    return (
        select(User.role)
        .join(Login, Login.user_id == User.id)
        .where(
            Login.id == bindparam("of_login", type_=Login.id.type),
            User.id == bindparam("of_user", type_=User.id.type),
            User.disabled_at.is_(None),
            Login.revoked_at.is_(None),
            Login.expires_at > bindparam("moment", type_=Login.expires_at.type),
        )
    )


def live_logins(login_ids: Collection[str]) -> set[tuple[str, str]]:
    """User and login of those that are shut out in none of the ways of `role_of_login`."""
    live = (
        select(Login.user_id, Login.id)
        .join(User, Login.user_id == User.id)
        .where(
            Login.id.in_(login_ids),
            User.disabled_at.is_(None),
            Login.revoked_at.is_(None),
            Login.expires_at > clock.now(),
        )
    )
    return {(user_id, login_id) for user_id, login_id in db.session.execute(live)}


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
