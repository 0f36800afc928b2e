"""The tables of runs: each attempt of a model to write one message, with the text kept so far; and what they used."""

from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zgpt.chat.models import Message
from zgpt.core import clock, ids
from zgpt.core.db import Base, Id

RunStatus = Literal["queued", "streaming", "completed", "stopped", "failed"]

_IS_OPEN = text("status IN ('queued', 'streaming')")


class Run(Base):
    """One attempt. `…_kept` are the checkpoints of this epoch; `ends` and `sha256` say, by part, how it ended.

    `owner` is the process that writes it; null: released, for whoever can go on. `deaths` counts those that died with
    it; who let go of it does not count, though each time begins an epoch.
    """

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'streaming', 'completed', 'stopped', 'failed')", name="status"),
        Index("ix_runs_open", "created_at", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
        Index("ix_runs_open_owner", "owner", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
    )

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    message_id: Mapped[Id] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[Id] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    status: Mapped[RunStatus] = mapped_column(String(10), default="queued")
    epoch: Mapped[int] = mapped_column(default=1)
    owner: Mapped[str | None] = mapped_column(String(36))
    deaths: Mapped[int] = mapped_column(default=0, server_default="0")
    model: Mapped[str | None] = mapped_column(String(200))
    text_kept: Mapped[str] = mapped_column(Text, default="")
    reasoning_kept: Mapped[str] = mapped_column(Text, default="")
    usage: Mapped[dict[str, Any] | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(Text)
    error_retryable: Mapped[bool | None]
    ends: Mapped[dict[str, Any] | None]
    sha256: Mapped[dict[str, Any] | None]
    stop_requested_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    started_at: Mapped[datetime | None]
    first_token_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    message: Mapped[Message] = relationship(lazy="raise")


class UsageDay(Base):
    """What the runs of one user that ended on one day (UTC) have used; the cost in millionths of the currency."""

    __tablename__ = "usage_days"

    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    cost_micros: Mapped[int] = mapped_column(BigInteger)
