"""Tables of the chat: sessions and their trees of messages. How an answer is generated is in `zgpt.runs`.

Relationships never load (`lazy="raise"`): they are here so that a flush writes owners before what they own.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zgpt.auth.models import User
from zgpt.core import clock, ids
from zgpt.core.db import Base, Id

MessageRole = Literal["user", "assistant", "system"]
TitleSource = Literal["none", "model", "person"]

_IS_DELETED = text("deleted_at IS NOT NULL")


class ChatSession(Base):
    """One thread of messages. `leaf_id` ends the shown branch; no foreign key, or the tables would form a ring."""

    __tablename__ = "chat_sessions"
    __table_args__ = (
        CheckConstraint("title_source IN ('none', 'model', 'person')", name="title_source"),
        Index(None, "user_id", "updated_at", "id"),
        Index(None, "user_id", "user_revision"),
        Index(None, "deleted_at", sqlite_where=_IS_DELETED, postgresql_where=_IS_DELETED),
    )

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(200), default="")
    title_source: Mapped[TitleSource] = mapped_column(String(8), default="none")
    revision: Mapped[int] = mapped_column(default=0)
    user_revision: Mapped[int] = mapped_column(default=0)
    leaf_id: Mapped[Id | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now)
    deleted_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise")


class Message(Base):
    """One turn. A deleted one stays as a tombstone, so that clients that come back hear of it by its revision."""

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("role IN ('user', 'assistant', 'system')", name="role"),
        UniqueConstraint("client_id", "session_id"),
        Index(None, "session_id", "id"),
        Index(None, "session_id", "revision"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True, default=ids.new_id)
    session_id: Mapped[Id] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    parent_id: Mapped[Id | None] = mapped_column(ForeignKey("messages.id"), index=True)
    role: Mapped[MessageRole] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text, default="")
    reasoning: Mapped[str] = mapped_column(Text, default="")
    client_id: Mapped[Id | None]
    revision: Mapped[int] = mapped_column(default=0)
    model: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    deleted_at: Mapped[datetime | None]

    session: Mapped[ChatSession] = relationship(lazy="raise")
