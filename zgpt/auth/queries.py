"""Reads of users, their logins, keys and second factors. Secrets are compared elsewhere; nothing is written here."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypeVar

from sqlalchemy import Select, bindparam, func, or_, select

from zgpt.auth.models import ApiKey, Login, RecoveryCode, SecondFactor, User
from zgpt.core import clock
from zgpt.core.db import database_faults, db

What = TypeVar("What", str, User)


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


def user_of_login(user_id: str, login_id: str) -> User | None:
    """The user as stored now, if a socket of this login of theirs may stay open; else None."""
    values = {"of_login": login_id, "of_user": user_id, "moment": clock.now()}
    return db.session.scalar(_live_user(), values)


def user_of_key(user_id: str, key_id: str) -> User | None:
    """The same for a socket of an API key."""
    good = (ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now()))
    of_key = select(User).join(ApiKey, ApiKey.user_id == User.id).where(ApiKey.id == key_id, *good)
    return db.session.scalar(of_key.where(User.id == user_id, User.disabled_at.is_(None)))


@cache
def _live_role() -> Select[str]:
    """Made once, as the next one: every request and every connection that comes back asks this."""
    return _of_live_login(select(User.role))


@cache
def _live_user() -> Select[User]:
    return _of_live_login(select(User))


def _of_live_login(what: Select[What]) -> Select[What]:
    return what.join(Login, Login.user_id == User.id).where(
        Login.id == bindparam("of_login", type_=Login.id.type),
        User.id == bindparam("of_user", type_=User.id.type),
        User.disabled_at.is_(None),
        Login.revoked_at.is_(None),
        Login.expires_at > bindparam("moment", type_=Login.expires_at.type),
    )


def live_devices(device_ids: Collection[str]) -> set[tuple[str, str]]:
    """User and id of those logins and API keys whose sockets may stay open: the two above for many at once."""
    logins = select(Login.user_id, Login.id).join(User, Login.user_id == User.id)
    keys = select(ApiKey.user_id, ApiKey.id).join(User, ApiKey.user_id == User.id)
    good_login = (Login.revoked_at.is_(None), Login.expires_at > clock.now())
    good_key = (ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now()))
    found = (
        logins.where(Login.id.in_(device_ids), User.disabled_at.is_(None), *good_login),
        keys.where(ApiKey.id.in_(device_ids), User.disabled_at.is_(None), *good_key),
    )
    return {(user_id, device_id) for rows in found for user_id, device_id in db.session.execute(rows)}


def credentials_of(email: str) -> Credentials:
    """The credentials behind a lower-cased e-mail of an account that is not disabled."""
    found = db.session.execute(
        select(User.id, User.password_hash).where(User.email == email, User.disabled_at.is_(None))
    ).first()
    return Credentials(*found) if found else Credentials()


def password_hash_of(user_id: str) -> str | None:
    """The stored hash of a user's password, or None for a guest."""
    return db.session.scalar(select(User.password_hash).where(User.id == user_id))


def email_of(user_id: str) -> str | None:
    """The user's e-mail, or None for a guest and for nobody."""
    return db.session.scalar(select(User.email).where(User.id == user_id))


def login_by_id(login_id: str) -> Login | None:
    """The login as it is in the database now, whatever was read of it before."""
    return db.session.get(Login, login_id, populate_existing=True)


def live_logins(user_id: str) -> list[Login]:
    """The devices that are signed in, the one that was used last first."""
    live = (Login.user_id == user_id, Login.revoked_at.is_(None), Login.expires_at > clock.now())
    return list(db.session.scalars(select(Login).where(*live).order_by(Login.last_used_at.desc(), Login.id)))


def live_keys(user_id: str) -> list[ApiKey]:
    """The keys that were not revoked, the newest first; those that have expired stay in sight."""
    mine = select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    return list(db.session.scalars(mine.order_by(ApiKey.id.desc())))


def key_by_hash(key_hash: str) -> tuple[ApiKey, str] | None:
    """A key that is good now, with its user's role; one look by the index of hashes."""
    good = (ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now()))
    found = select(ApiKey, User.role).join(User, User.id == ApiKey.user_id)
    with database_faults():
        row = db.session.execute(
            found.where(ApiKey.key_hash == key_hash, *good, User.disabled_at.is_(None)),
            execution_options={"populate_existing": True},
        ).first()
    return (row[0], row[1]) if row else None


def second_factor_of(user_id: str) -> SecondFactor | None:
    """The second factor that counts, or None."""
    mine = select(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None))
    return db.session.scalar(mine)


def recovery_codes_left(user_id: str) -> int:
    """How many recovery codes were not used."""
    return db.session.scalar(select(func.count()).where(RecoveryCode.user_id == user_id)) or 0


def account_of(email: str) -> User | None:
    """The account behind a lower-cased e-mail, if it is not disabled."""
    return db.session.scalar(select(User).where(User.email == email, User.disabled_at.is_(None)))


def is_taken(email: str) -> bool:
    """Whether there is an account with this lower-cased e-mail, disabled ones too."""
    return db.session.scalar(select(User.id).where(User.email == email)) is not None


def changed_since(moment: datetime) -> list[tuple[str, datetime, bool]]:
    """Whose account an operator changed since then: the user, when, and whether it is disabled."""
    changed = select(User.id, User.changed_at, User.disabled_at.is_not(None)).where(User.changed_at >= moment)
    return [(user_id, at, bool(disabled)) for user_id, at, disabled in db.session.execute(changed) if at is not None]
