"""Tables of accounts: who there is, which devices are signed in, which keys there are. Secrets only as hashes."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zgpt.core import clock, ids
from zgpt.core.db import Base, Id

UserKind = Literal["user", "guest"]
Role = Literal["member", "admin"]


class User(Base):
    """Someone with an account (`user`), or a visitor without a password (`guest`). E-mail is kept lower-cased."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("kind IN ('user', 'guest')", name="kind"),
        CheckConstraint("role IN ('member', 'admin')", name="role"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    kind: Mapped[UserKind] = mapped_column(String(8), default="user")
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    password_hash: Mapped[str | None] = mapped_column(String(100))
    role: Mapped[Role] = mapped_column(String(8), default="member")
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    disabled_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None] = mapped_column(index=True)
    """When an operator last changed what open sockets must hear of (`watch`)."""


class Login(Base):
    """One device's chain of refresh tokens: the hash of the current one, and of the one before (for its grace)."""

    __tablename__ = "logins"

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None] = mapped_column(String(32))
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    network: Mapped[str | None] = mapped_column(String(45))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    previous_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    rotated_at: Mapped[datetime] = mapped_column(default=clock.now)

    user: Mapped[User] = relationship(lazy="raise")


class SecondFactor(Base):
    """A user's codes by time (`totp`); they count once `confirmed_at`. The secret follows from the salt (`codes`)."""

    __tablename__ = "second_factors"

    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    salt: Mapped[str] = mapped_column(String(64))
    last_step: Mapped[int] = mapped_column(default=0)
    """The step of the newest code that was used: it and all before it are spent."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    confirmed_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """One code for when the second factor is lost; its row goes when it is used."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64))


class ApiKey(Base):
    """A key for programs: `start` is what people recognise it by, `scopes` are words with blanks between."""

    __tablename__ = "api_keys"

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    start: Mapped[str] = mapped_column(String(16))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Ticket(Base):
    """A secret that works once and not for long: a mailed link, or the half of a sign-in. Kept as a hash."""

    __tablename__ = "tickets"

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    user_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    detail: Mapped[dict[str, Any]]
