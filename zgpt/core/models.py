"""Tables that no single feature owns: the audit log and the per-user overrides of rate limits."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from zgpt.core import clock, ids
from zgpt.core.db import Base, Id


class AuditEvent(Base):
    """One line of the append-only audit log. It outlives the user it tells of, so `user_id` is no foreign key."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "user_id", "at"), Index(None, "at"))

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[Id | None]
    ip: Mapped[str | None] = mapped_column(String(45))
    detail: Mapped[dict[str, Any]]


class RateLimit(Base):
    """What one user may do instead of the setting: `amount` per `per_s` seconds of the limit called `name`."""

    __tablename__ = "rate_limits"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(32))
    amount: Mapped[int]
    per_s: Mapped[int]
