"""The only way from an id to a session or message: the object if it is the owner's, else NotFound. Lists: `queries`."""

from functools import cache
from typing import TypeVar

from sqlalchemy import Select, bindparam, select

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
    values = {"wanted_id": _known_id(session_id), "owner_id": user_id_of(owner)}
    return _found(db.session.scalar(_live_session(), values))


def access_message(owner: Owner, message_id: str) -> Message:
    """The live message, if it is in one of the owner's live sessions; else NotFound."""
    values = {"wanted_id": _known_id(message_id), "owner_id": user_id_of(owner)}
    return _found(db.session.scalar(_live_message(), values))


def user_id_of(owner: Owner) -> str:
    """The user's id of either form of owner."""
    return owner if isinstance(owner, str) else owner.user_id


@cache
def _live_session() -> Select[ChatSession]:
    """Made once, as the next one: building a statement takes longer than running it, and every command asks."""
    mine = ChatSession.user_id == bindparam("owner_id")
    return select(ChatSession).where(ChatSession.id == bindparam("wanted_id"), mine, ChatSession.deleted_at.is_(None))


@cache
def _live_message() -> Select[Message]:
    mine = ChatSession.user_id == bindparam("owner_id")
    live = select(Message).join(ChatSession, ChatSession.id == Message.session_id).where(mine)
    wanted = live.where(Message.id == bindparam("wanted_id"))
    return wanted.where(Message.deleted_at.is_(None), ChatSession.deleted_at.is_(None))


def _known_id(text: str) -> str:
    try:
        return parse_id(text)
    except ValueError:
        raise NotFound from None


def _found(thing: Row | None) -> Row:
    if thing is None:
        raise NotFound
    return thing
