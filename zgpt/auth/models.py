"""Tables of accounts: who there is, and which devices are signed in. Tokens themselves are never stored."""

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, String
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
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    previous_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    rotated_at: Mapped[datetime] = mapped_column(default=clock.now)

    user: Mapped[User] = relationship(lazy="raise")
