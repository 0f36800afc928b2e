"""Changes to sessions and messages: each raises the revisions and stamps its row. Who may do it is in `access`.

The building blocks (`create_session` … `finish_message`) run inside the caller's `transaction()`. After its own
events the caller says `announce(session, after)` once, so that the user's other devices hear of the session.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm.attributes import set_committed_value

from zgpt.auth.models import User
from zgpt.chat.access import Owner, access_session
from zgpt.chat.models import ChatSession, Message, MessageRole, TitleSource
from zgpt.chat.schemas import session_json
from zgpt.chat.signals import session_deleting
from zgpt.core import clock, ids
from zgpt.core.db import Collector, db, transaction
from zgpt.core.errors import NotFound
from zgpt.realtime.protocol import Event, SessionDeleted, SessionUpdated
from zgpt.realtime.server import current

_USER_REVISION = "zgpt_user_revision"


def create_session(user_id: str, title: str = "") -> ChatSession:
    """A new session of the user, with revision 0: who creates it holds all of it. `title` is clean already."""
    session = ChatSession(id=ids.new_id(), user_id=user_id, title=title, title_source="person" if title else "none")
    session.revision, session.created_at = 0, clock.now()
    session.updated_at = session.created_at
    session.user_revision = _raise_user_revision(user_id, session.id)
    db.session.add(session)
    db.session.flush()
    return session


def bump(session: ChatSession, changes: Mapping[str, Any] | None = None) -> int:
    """Raise the session's revision by 1 and its user's, set the `changes` of its columns, and return the session's.

    The user's row comes first, always: writers of one user queue there, so revisions become visible in their
    order and no two can wait for each other. One transaction raises the user's revision once for a session, for
    it is announced once.
    Raises NotFound when the session has been deleted since it was read.
    """
    user_revision = _raise_user_revision(session.user_id, session.id)
    values = {**(changes or {}), "user_revision": user_revision}
    raised = db.session.scalar(
        update(ChatSession)
        .where(ChatSession.id == session.id, ChatSession.deleted_at.is_(None))
        .values(revision=ChatSession.revision + 1, **values)
        .returning(ChatSession.revision)
        .execution_options(synchronize_session=False)
    )
    if raised is None:
        raise NotFound
    for name, value in {**values, "revision": raised}.items():
        set_committed_value(session, name, value)
    return raised


def insert_message(
    session: ChatSession,
    role: MessageRole,
    text: str,
    parent_id: str | None = None,
    client_id: str | None = None,
    model: str | None = None,
) -> Message:
    """A new message, stamped with the session's new revision, which becomes the session's leaf.

    A second `client_id` in a session raises IntegrityError: look with `message_named` first, after `lock_user`.
    """
    message = Message(id=ids.new_id(), session_id=session.id, parent_id=parent_id, role=role, text=text, reasoning="")
    message.client_id, message.model, message.created_at = client_id, model, clock.now()
    message.revision = bump(session, {"leaf_id": message.id, "updated_at": message.created_at})
    db.session.add(message)
    db.session.flush()
    return message


def finish_message(message: Message, text: str, reasoning: str) -> int:
    """Give the message its final text and reasoning; its new revision. NotFound when its session was deleted."""
    session = db.session.get_one(ChatSession, message.session_id)
    message.revision = bump(session, {"updated_at": clock.now()})
    message.text, message.reasoning = text, reasoning
    db.session.flush()
    return message.revision


def set_title(session: ChatSession, title: str, source: TitleSource) -> bool:
    """Set a clean title; whether it was set. A model never replaces what a person wrote."""
    if source == "model" and _title_source(session) == "person":
        return False
    bump(session, {"title": title, "title_source": source})
    return True


def lock_user(user_id: str) -> None:
    """Let no other writer of this user in until the transaction ends, so that what is looked up next stays true."""
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update())


def announce(session: ChatSession, after: Collector) -> None:
    """Tell all of the user's connections, after the commit, what the session is now: once, after its other events."""
    event = SessionUpdated(session=session_json(session), user_revision=session.user_revision)
    after(partial(_publish, session.user_id, event))


def start_session(user_id: str, title: str = "") -> ChatSession:
    """Create a session and tell the user's devices."""
    with transaction() as after:
        session = create_session(user_id, title)
        announce(session, after)
    return session


def rename_session(owner: Owner, session_id: str, title: str) -> ChatSession:
    """Give the owner's session a clean title and tell the user's devices."""
    with transaction() as after:
        session = access_session(owner, session_id)
        set_title(session, title, "person")
        announce(session, after)
    return session


def delete_session(owner: Owner, session_id: str) -> None:
    """Erase the owner's session: its words go at once, its row stays as a tombstone that carries the revision."""
    with transaction() as after:
        session = access_session(owner, session_id)
        now = clock.now()
        revision = bump(session, {"title": "", "leaf_id": None, "deleted_at": now})
        erased = {"text": "", "reasoning": "", "deleted_at": now, "revision": revision}
        db.session.execute(update(Message).where(Message.session_id == session.id).values(erased))
        session_deleting.send(session, after=after)
        after(partial(_publish, session.user_id, SessionDeleted(session.id, session.user_revision)))


def _raise_user_revision(user_id: str, session_id: str) -> int:
    """The user's revision for this session in this transaction (or savepoint): raised at the first call."""
    session = db.session()
    scope = (session.get_nested_transaction() or session.get_transaction(), session_id)
    held: tuple[object, int] | None = session.info.get(_USER_REVISION)
    if held and held[0] == scope:
        return held[1]
    raised = db.session.scalar(
        update(User)
        .where(User.id == user_id)
        .values(revision=User.revision + 1)
        .returning(User.revision)
        .execution_options(synchronize_session=False)
    )
    if raised is None:
        raise NotFound
    session.info[_USER_REVISION] = (scope, raised)
    return raised


def _title_source(session: ChatSession) -> TitleSource:
    lock_user(session.user_id)
    return db.session.scalars(select(ChatSession.title_source).where(ChatSession.id == session.id)).one()


def _publish(user_id: str, event: Event) -> None:
    current().broker.publish(user_id, None, event)
