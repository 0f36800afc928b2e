"""The only way from an id to a session or message: the object if it is the owner's, else NotFound. Lists: `queries`."""

from typing import TypeVar

from sqlalchemy import select

from zgpt.auth.tokens import Identity
from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import db
from zgpt.core.errors import NotFound
from zgpt.core.ids import parse_id

Row = TypeVar("Row", ChatSession, Message)
Owner = Identity | str
"""Who asks: an identity, or the id of a user that was checked before."""


def access_session(owner: Owner, session_id: str) -> ChatSession:
    """The owner's live session. NotFound is the same for no id, a deleted one, and another user's."""
    mine = select(ChatSession).where(
        ChatSession.id == _known_id(session_id),
        ChatSession.user_id == user_id_of(owner),
        ChatSession.deleted_at.is_(None),
    )
    return _found(db.session.scalar(mine))


def access_message(owner: Owner, message_id: str) -> Message:
    """The live message, if it is in one of the owner's live sessions; else NotFound."""
    mine = (
        select(Message)
        .join(ChatSession, ChatSession.id == Message.session_id)
        .where(
            Message.id == _known_id(message_id),
            Message.deleted_at.is_(None),
            ChatSession.user_id == user_id_of(owner),
            ChatSession.deleted_at.is_(None),
        )
    )
    return _found(db.session.scalar(mine))


def user_id_of(owner: Owner) -> str:
    """The user's id of either form of owner."""
    return owner if isinstance(owner, str) else owner.user_id


def _known_id(text: str) -> str:
    try:
        return parse_id(text)
    except ValueError:
        raise NotFound from None


def _found(thing: Row | None) -> Row:
    if thing is None:
        raise NotFound
    return thing
