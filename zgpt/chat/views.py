"""REST routes of sessions and messages. Sending a message and stopping a run are in `zgpt.runs`."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from zgpt.auth.access import require_identity, signed_in_or_key
from zgpt.chat import actions, queries
from zgpt.chat.access import access_session
from zgpt.chat.cursors import (
    encode_message_cursor,
    encode_session_cursor,
    parse_message_cursor,
    parse_session_cursor,
)
from zgpt.chat.models import Message
from zgpt.chat.schemas import (
    Json,
    MessageListQuery,
    MessagePageOut,
    NewSession,
    Rename,
    SessionListQuery,
    SessionOut,
    SessionPage,
    message_json,
    session_json,
)
from zgpt.chat.signals import messages_showing
from zgpt.core.errors import Invalid
from zgpt.core.openapi import operation

blueprint = Blueprint("chat", __name__, url_prefix="/api/v1")


@blueprint.get("/sessions")
@signed_in_or_key("read")
@operation(summary="List the sessions, or what changed", query=SessionListQuery, responses={200: SessionPage})
def list_sessions(query: SessionListQuery) -> ResponseReturnValue:
    """Newest activity first, `next` is the cursor for `before`; with `since`, what changed after that revision."""
    user_id = require_identity().user_id
    if query.since is None:
        return _newest(user_id, query)
    if query.before is not None:
        raise Invalid("Give `before` or `since`, not both.")
    changes = queries.sessions_since(user_id, query.since, query.limit)
    items = [session_json(session) for session in changes.items]
    return {"items": items, "deleted": changes.deleted, "revision": changes.revision, "more": changes.more}


@blueprint.post("/sessions")
@signed_in_or_key("chat")
@operation(summary="Create a session", request=NewSession, responses={201: SessionOut})
def create(body: NewSession) -> ResponseReturnValue:
    """Sending the first message creates one as well; this is for a session with a title of one's own."""
    return session_json(actions.start_session(require_identity().user_id, body.title or "")), 201


@blueprint.get("/sessions/<session_id>")
@signed_in_or_key("read")
@operation(summary="Read a session", responses={200: SessionOut}, problems=(404,))
def read(session_id: str) -> ResponseReturnValue:
    """The session without its messages."""
    return session_json(access_session(require_identity(), session_id))


@blueprint.patch("/sessions/<session_id>")
@signed_in_or_key("chat")
@operation(summary="Rename a session", request=Rename, responses={200: SessionOut}, problems=(404,))
def rename(session_id: str, body: Rename) -> ResponseReturnValue:
    """A title that a person wrote is never replaced by one that a model made."""
    return session_json(actions.rename_session(require_identity(), session_id, body.title))


@blueprint.delete("/sessions/<session_id>")
@signed_in_or_key("chat")
@operation(summary="Delete a session", responses={204: None}, problems=(404,))
def delete(session_id: str) -> ResponseReturnValue:
    """Erases its title and all its messages at once; answers that are being written end."""
    actions.delete_session(require_identity(), session_id)
    return "", 204


@blueprint.get("/sessions/<session_id>/messages")
@signed_in_or_key("read")
@operation(
    summary="List the messages of a session",
    query=MessageListQuery,
    responses={200: MessagePageOut},
    problems=(404,),
)
def list_messages(session_id: str, query: MessageListQuery) -> ResponseReturnValue:
    """Oldest first; the newest ones unless `before` or `after` names a place. All branches of the tree are in it."""
    if query.before is not None and query.after is not None:
        raise Invalid("Give `before` or `after`, not both.")
    session = access_session(require_identity(), session_id)
    before = parse_message_cursor(query.before) if query.before is not None else None
    after = parse_message_cursor(query.after) if query.after is not None else None
    return _page_json(queries.page_of_messages(session.id, query.limit, before, after))


def _newest(user_id: str, query: SessionListQuery) -> Json:
    before = parse_session_cursor(query.before) if query.before is not None else None
    revision = queries.user_revision(user_id)
    rows = queries.newest_sessions(user_id, query.limit + 1, before)
    page = rows[: query.limit]
    following = encode_session_cursor(page[-1]) if len(rows) > query.limit else None
    return {"items": [session_json(session) for session in page], "next": following, "revision": revision}


def _page_json(page: queries.MessagePage) -> Json:
    runs = _runs_of(page.items)
    return {
        "items": [message_json(message, runs.get(message.id)) for message in page.items],
        "before": encode_message_cursor(page.items[0].id) if page.items and page.has_older else None,
        "after": encode_message_cursor(page.items[-1].id) if page.items and page.has_newer else None,
    }


def _runs_of(messages: list[Message]) -> Mapping[str, Any]:
    """The run JSON of each message that has one, from the room that knows runs."""
    return {key: run for _, known in messages_showing.send(messages) for key, run in known.items()}
