"""Sending, stopping and reading runs over REST."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from zgpt.auth.access import require_identity, signed_in
from zgpt.chat.access import access_message
from zgpt.core.openapi import operation
from zgpt.runs.access import access_run
from zgpt.runs.actions import regenerate, request_stop, send_message
from zgpt.runs.events import EventsQuery, stream_run
from zgpt.runs.schemas import NewMessage, RunOut, SentOut, run_json

blueprint = Blueprint("runs", __name__, url_prefix="/api/v1")


@blueprint.post("/sessions/<session_id>/messages")
@signed_in
@operation(
    summary="Send a message",
    request=NewMessage,
    responses={202: SentOut},
    problems=(404, 409, 413, 429, 503),
)
def send(session_id: str, body: NewMessage) -> ResponseReturnValue:
    """Store it and queue its answer, which streams over the WebSocket. The same `client_id` is the same message."""
    sent = send_message(require_identity().user_id, session_id, str(body.client_id), body.text)
    return {"session_id": sent.session_id, "message_id": sent.message_id, "run_id": sent.run_id}, 202


@blueprint.post("/messages/<message_id>/regenerate")
@signed_in
@operation(summary="Write an answer again", responses={202: SentOut}, problems=(404, 409, 422, 429, 503))
def again(message_id: str) -> ResponseReturnValue:
    """Queue another answer to the same question, as a sibling of this one."""
    identity = require_identity()
    sent = regenerate(identity.user_id, access_message(identity, message_id).id)
    return {"session_id": sent.session_id, "message_id": sent.message_id, "run_id": sent.run_id}, 202


@blueprint.get("/runs/<run_id>")
@signed_in
@operation(summary="Read a run", responses={200: RunOut}, problems=(404,))
def read(run_id: str) -> ResponseReturnValue:
    """The state of one attempt to write an answer."""
    return run_json(access_run(require_identity(), run_id))


@blueprint.get("/runs/<run_id>/events")
@signed_in
@operation(
    summary="Follow a run",
    query=EventsQuery,
    responses={200: None},
    problems=(404, 422, 503),
    media_type="text/event-stream",
)
def events(run_id: str, query: EventsQuery) -> ResponseReturnValue:
    """Server-Sent Events: `run.delta`, `run.reset` and `run.completed` as on the WebSocket (docs/protocol.md)."""
    return stream_run(require_identity(), run_id, query.after)


@blueprint.post("/runs/<run_id>/stop")
@signed_in
@operation(summary="Stop a run", responses={202: None}, problems=(404,))
def stop(run_id: str) -> ResponseReturnValue:
    """Ask for the answer to end here; what was written stays. Stopping twice, or too late, changes nothing."""
    request_stop(require_identity().user_id, run_id)
    return {}, 202
