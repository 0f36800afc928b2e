"""Tables that no single feature owns: the audit log, what is done now and then, and per-user rate limits."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from zgpt.core import clock, ids
from zgpt.core.audit_chain import Line
from zgpt.core.db import Base, Id


class AuditEvent(Base):
    """One line of the append-only audit log: triggers of the database refuse to change it or to take it out.

    It outlives the user it tells of, so `user_id` is no foreign key.
    """

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "user_id", "at"), Index(None, "at"), Index(None, "sequence", unique=True))

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    kind: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[Id | None]
    ip: Mapped[str | None] = mapped_column(String(45))
    detail: Mapped[dict[str, Any]]
    sequence: Mapped[int] = mapped_column(BigInteger)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str] = mapped_column(String(8))

    @staticmethod
    def row_of(line: Line, sequence: int, previous: str, digest: str, key_id: str) -> dict[str, Any]:
        """The row of a line at its place in the chain."""
        told = {"id": line.id, "at": line.at, "kind": line.kind, "user_id": line.user_id, "ip": line.ip}
        place = {"sequence": sequence, "previous_hash": previous, "hash": digest, "key_id": key_id}
        return {**told, "detail": line.detail, **place}


class AuditHead(Base):
    """The last line of the chain. Who adds one locks this row, so that processes write one chain."""

    __tablename__ = "audit_heads"

    chain: Mapped[str] = mapped_column(String(8), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


class Chore(Base):
    """When something that one of all processes does now and then is due again; see `chores`."""

    __tablename__ = "chores"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    due_at: Mapped[datetime]


class RateLimit(Base):
    """What one user may do instead of the setting: `amount` per `per_s` seconds of the limit called `name`."""

    __tablename__ = "rate_limits"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(32))
    amount: Mapped[int]
    per_s: Mapped[int]
