"""Sending, stopping and reading runs over REST."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from zgpt.auth.access import require_identity, signed_in_or_key
from zgpt.chat.access import access_message, access_session
from zgpt.core.openapi import operation
from zgpt.runs.access import access_run
from zgpt.runs.actions import Sent, edit_message, regenerate, request_stop, send_message
from zgpt.runs.events import EventsQuery, stream_run
from zgpt.runs.opened import opened_json
from zgpt.runs.queries import changes_since
from zgpt.runs.quotas import quotas_json
from zgpt.runs.schemas import ChangesQuery, NewMessage, OpenedOut, QuotasOut, RunOut, SentOut, run_json, sent_json

blueprint = Blueprint("runs", __name__, url_prefix="/api/v1")


@blueprint.get("/sessions/<session_id>/changes")
@signed_in_or_key("read")
@operation(summary="What changed in a session", query=ChangesQuery, responses={200: OpenedOut}, problems=(404, 503))
def changes(session_id: str, query: ChangesQuery) -> ResponseReturnValue:
    """What `session.open` answers on the WebSocket: what is newer than `since`, and which runs are live."""
    session = access_session(require_identity(), session_id)
    return opened_json(session, changes_since(session, query.since))


@blueprint.post("/sessions/<session_id>/messages")
@signed_in_or_key("chat")
@operation(
    summary="Send a message",
    request=NewMessage,
    responses={202: SentOut},
    problems=(404, 409, 413, 422, 429, 503),
)
def send(session_id: str, body: NewMessage) -> ResponseReturnValue:
    """Store it and queue its answer. The same `client_id` is the same message."""
    return _sent(send_message(require_identity().user_id, session_id, str(body.client_id), body.text))


@blueprint.post("/messages")
@signed_in_or_key("chat")
@operation(
    summary="Begin a session with a message",
    request=NewMessage,
    responses={202: SentOut},
    problems=(413, 422, 429, 503),
)
def begin(body: NewMessage) -> ResponseReturnValue:
    """Store it in a session of its own. The same `client_id` is the same message, in the same session."""
    return _sent(send_message(require_identity().user_id, None, str(body.client_id), body.text))


@blueprint.post("/messages/<message_id>/edit")
@signed_in_or_key("chat")
@operation(
    summary="Ask anew in place of a question",
    request=NewMessage,
    responses={202: SentOut},
    problems=(404, 409, 413, 422, 429, 503),
)
def edit(message_id: str, body: NewMessage) -> ResponseReturnValue:
    """Queue an answer to another version of a question, beside it. The same `client_id` is the same version."""
    return _sent(edit_message(require_identity().user_id, message_id, str(body.client_id), body.text))


@blueprint.post("/messages/<message_id>/regenerate")
@signed_in_or_key("chat")
@operation(summary="Write an answer again", responses={202: SentOut}, problems=(404, 409, 422, 429, 503))
def again(message_id: str) -> ResponseReturnValue:
    """Queue another answer to the same question, as a sibling of this one."""
    identity = require_identity()
    return _sent(regenerate(identity.user_id, access_message(identity, message_id).id))


@blueprint.get("/runs/<run_id>")
@signed_in_or_key("read")
@operation(summary="Read a run", responses={200: RunOut}, problems=(404,))
def read(run_id: str) -> ResponseReturnValue:
    """The state of one attempt to write an answer."""
    return run_json(access_run(require_identity(), run_id))


@blueprint.get("/runs/<run_id>/events")
@signed_in_or_key("read")
@operation(
    summary="Follow a run",
    query=EventsQuery,
    responses={200: None},
    problems=(404, 422, 503),
    media_type="text/event-stream",
)
def events(run_id: str, query: EventsQuery) -> ResponseReturnValue:
    """Server-Sent Events: `run.delta`, `run.reset` and `run.completed` as on the WebSocket (docs/protocol.md)."""
    return stream_run(require_identity(), run_id, query)


@blueprint.post("/runs/<run_id>/stop")
@signed_in_or_key("chat")
@operation(summary="Stop a run", responses={202: None}, problems=(404,))
def stop(run_id: str) -> ResponseReturnValue:
    """Ask for the answer to end here; what was written stays. Stopping twice, or too late, changes nothing."""
    request_stop(require_identity().user_id, run_id)
    return {}, 202


@blueprint.get("/usage")
@signed_in_or_key("read")
@operation(summary="What you have used", responses={200: QuotasOut})
def usage() -> ResponseReturnValue:
    """Answers under way, tokens of this day and cost of this month (UTC), with their limits; `null` is no limit."""
    return quotas_json(require_identity().user_id)


def _sent(sent: Sent) -> ResponseReturnValue:
    return sent_json(sent.session_id, sent.message_id, sent.run_id, sent.notice), 202
