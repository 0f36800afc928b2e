"""Changes to sessions and messages: each raises the revisions and stamps its row. Who may do it is in `access`.

The building blocks (`create_session` … `finish_message`) run inside the caller's `transaction()`. After its own
events the caller says `announce(session, after)` once, so that the user's other devices hear of the session.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any, cast

from sqlalchemy import Table, Update, bindparam, select, update
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
_users = cast("Table", User.__table__)
_sessions = cast("Table", ChatSession.__table__)
# Made once, here and below: building a statement takes longer than running it, and every question runs these.
_lock_user = select(_users.c.id).where(_users.c.id == bindparam("owner_id")).with_for_update()
_raise_user = (
    _users.update()
    .where(_users.c.id == bindparam("owner_id"))
    .values(revision=_users.c.revision + 1)
    .returning(_users.c.revision)
)


def create_session(user_id: str, title: str = "") -> ChatSession:
    """A new session of the user, with revision 0: who creates it holds all of it. `title` is clean already."""
    session = ChatSession(id=ids.new_id(), user_id=user_id, title=title, title_source="person" if title else "none")
    session.revision, session.created_at = 0, clock.now()
    session.updated_at = session.created_at
    session.user_revision = _raise_user_revision(user_id, session.id)
    db.session.add(session)
    db.session.flush()
    return session


def bump(session: ChatSession, changes: Mapping[str, Any] | None = None, by: int = 1) -> int:
    """Raise the session's revision and its user's, set the `changes` of its columns, and return the session's.

    The user's row comes first, always: writers of one user queue there, so revisions become visible in their
    order and no two can wait for each other. One transaction raises the user's revision once for a session, for
    it is announced once. `by`: how many messages are stamped with it.
    Raises NotFound when the session has been deleted since it was read.
    """
    user_revision = _raise_user_revision(session.user_id, session.id)
    values = {**(changes or {}), "user_revision": user_revision}
    named = {"place_id": session.id, "by": by, **{f"new_{name}": value for name, value in values.items()}}
    raised = db.session.connection().scalar(_raise_session(tuple(values)), named)
    if raised is None:
        raise NotFound
    for name, value in {**values, "revision": raised}.items():
        set_committed_value(session, name, value)
    return int(raised)


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
    message = _message(session, role, text, parent_id)
    message.client_id, message.model = client_id, model
    return _append(session, message)[0]


def insert_exchange(
    session: ChatSession, text: str, parent_id: str | None, client_id: str, model: str
) -> tuple[Message, Message]:
    """A question and a place for its answer, as two `insert_message`, with half of the statements."""
    question = _message(session, "user", text, parent_id)
    answer = _message(session, "assistant", "", question.id)
    question.client_id, answer.model = client_id, model
    _append(session, question, answer)
    return question, answer


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
    db.session.connection().execute(_lock_user, {"owner_id": user_id})


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
    raised = db.session.connection().scalar(_raise_user, {"owner_id": user_id})
    if raised is None:
        raise NotFound
    session.info[_USER_REVISION] = (scope, int(raised))
    return int(raised)


@cache
def _raise_session(columns: tuple[str, ...]) -> Update:
    values = {name: bindparam(f"new_{name}", type_=_sessions.c[name].type) for name in columns}
    mine = _sessions.update().where(_sessions.c.id == bindparam("place_id"), _sessions.c.deleted_at.is_(None))
    return mine.values(revision=_sessions.c.revision + bindparam("by"), **values).returning(_sessions.c.revision)


def _message(session: ChatSession, role: MessageRole, text: str, parent_id: str | None) -> Message:
    message = Message(id=ids.new_id(), session_id=session.id, parent_id=parent_id, role=role, text=text, reasoning="")
    message.created_at = clock.now()
    return message


def _append(session: ChatSession, *messages: Message) -> tuple[Message, ...]:
    """Store them, each with a revision of its own; the last one becomes the session's leaf."""
    leaf = messages[-1]
    last = bump(session, {"leaf_id": leaf.id, "updated_at": leaf.created_at}, by=len(messages))
    for number, message in enumerate(messages, start=last - len(messages) + 1):
        message.revision = number
    db.session.add_all(messages)
    db.session.flush()
    return messages


def _title_source(session: ChatSession) -> TitleSource:
    lock_user(session.user_id)
    return db.session.scalars(select(ChatSession.title_source).where(ChatSession.id == session.id)).one()


def _publish(user_id: str, event: Event) -> None:
    current().broker.publish(user_id, None, event)
