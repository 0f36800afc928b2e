"""What each command does: one function per command, in an app context. Limits and errors are in `handler`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from zgpt.auth.access import confirm, read_claim, require_scope, verify
from zgpt.auth.keys import Scope
from zgpt.auth.models import User
from zgpt.auth.schemas import user_json
from zgpt.auth.tokens import Claim, Identity
from zgpt.chat.access import access_session
from zgpt.core import metrics
from zgpt.core.config import settings
from zgpt.core.db import begin_read
from zgpt.core.errors import Conflict, Problem, Unauthorized, Unavailable
from zgpt.gateway.client import Client
from zgpt.realtime import protocol
from zgpt.realtime.hub import Holds, Member
from zgpt.realtime.server import current
from zgpt.runs import actions
from zgpt.runs.ending import head_of
from zgpt.runs.opened import opened_json
from zgpt.runs.queries import changes_since, end_read, question_and_answer
from zgpt.runs.schemas import sent_json, written_json

SESSIONS_PER_CONNECTION = 16
"""A screen shows one session; sixteen leave room for a client that shows many, and bound what one can make us watch."""

FULL_RETRY_MS = 15_000
"""When a connection of somebody who has too many may try again: some of them are dead, and missed within 35 s."""

Json = dict[str, Any]


class TooManyConnections(Unavailable):
    """This person has as many connections as one may have; the connection that asked is closed with 1013."""

    message = "You have too many connections open. Close a tab or another device; this one tries again by itself."


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a command, and what follows once the answer has been queued."""

    result: Json
    then: Callable[[], None] | None = None
    expires_at: float | None = None


def hello(client: Client, command: protocol.Hello) -> Reply:
    """Say who is there."""
    if client.member is not None:
        raise Conflict("This connection has said hello already. Use auth.refresh for a new token.")
    claim = read_claim(command.token)
    user = _let_in(client, claim)
    result = {
        "protocol": protocol.PROTOCOL_VERSION,
        "connection_id": client.connection.id,
        "user": user_json(user),
        "heartbeat_s": settings().heartbeat_s,
    }
    return Reply(result, expires_at=claim.expires_at)


def auth_refresh(client: Client, command: protocol.AuthRefresh) -> Reply:
    member = _member(client)
    identity = verify(command.token)
    if not _is_same(member, identity):
        raise Unauthorized("This token belongs to another sign-in. Open a connection of its own for it.")
    return Reply({}, expires_at=identity.expires_at)


def session_open(client: Client, command: protocol.SessionOpen) -> Reply:
    """Send what the viewer lacks, and all events from then on: viewing begins before the read, so nothing is missed."""
    member, session_id = _member(client), str(command.session_id)
    _check_room(member, session_id)
    hub = current().hub
    hub.hold(member, session_id)
    try:
        begin_read()
        session = access_session(member.user_id, session_id)
        changes = changes_since(session, command.revision)
        result, revision = opened_json(session, changes), session.revision
        if changes.open_runs:
            heads = [head_of(run) for run in changes.open_runs]
            end_read()
            current().broker.prepare(heads)
    except BaseException:
        hub.close_session(member, session_id)
        raise
    holds = _holds(command)
    return Reply(result, lambda: hub.release(member, session_id, revision, holds))


def session_close(client: Client, command: protocol.SessionClose) -> Reply:
    current().hub.close_session(_member(client), str(command.session_id))
    return Reply({})


def message_send(client: Client, command: protocol.MessageSend) -> Reply:
    """Store the question and queue its answer. The sender views the session from before its first event."""
    member = _member(client, "chat")
    session_id = str(command.session_id) if command.session_id else None
    if session_id is None or session_id not in member.viewers:
        _check_room(member, session_id or "")
    opened: list[str] = []

    def view(new_id: str) -> None:
        if new_id not in member.viewers:
            current().hub.hold(member, new_id)
            opened.append(new_id)

    try:
        sent = actions.send_message(member.user_id, session_id, str(command.client_id), command.text, view)
        if not sent.again:
            return Reply(_sent_json(sent), lambda: _release(member, opened, sent.revision))
        view(sent.session_id)
        events = _created_again(sent)
    except BaseException:
        # Nobody would release what it views since: its events would wait there until they were too many.
        for new_id in opened:
            current().hub.close_session(member, new_id)
        raise
    return Reply(_sent_json(sent), lambda: _tell_again(client, member, opened, sent, events))


def message_edit(client: Client, command: protocol.MessageEdit) -> Reply:
    member = _member(client, "chat")
    sent = actions.edit_message(member.user_id, str(command.message_id), str(command.client_id), command.text)
    return Reply(_sent_json(sent))


def run_stop(client: Client, command: protocol.RunStop) -> Reply:
    actions.request_stop(_member(client, "chat").user_id, str(command.run_id))
    return Reply({})


def run_regenerate(client: Client, command: protocol.RunRegenerate) -> Reply:
    sent = actions.regenerate(_member(client, "chat").user_id, str(command.message_id))
    return Reply({"session_id": sent.session_id, "message_id": sent.message_id, "run_id": sent.run_id})


def ping(client: Client, _command: protocol.Ping) -> Reply:
    _member(client)
    return Reply({})


COMMANDS: dict[type[protocol.Command], Callable[[Client, Any], Reply]] = {
    protocol.Hello: hello,
    protocol.AuthRefresh: auth_refresh,
    protocol.SessionOpen: session_open,
    protocol.SessionClose: session_close,
    protocol.MessageSend: message_send,
    protocol.MessageEdit: message_edit,
    protocol.RunStop: run_stop,
    protocol.RunRegenerate: run_regenerate,
    protocol.Ping: ping,
}


def _member(client: Client, scope: Scope = "read") -> Member:
    """Who said hello here; for an API key also whether it has the scope that the command needs."""
    if client.member is None:
        raise Unauthorized("Say hello first, with an access token.")
    require_scope(client.scopes, scope)
    return client.member


def _let_in(client: Client, claim: Claim) -> User:
    """Join the hub if the login is good. It is looked at while a revocation would be heard: none can be missed."""
    hub, member = current().hub, Member(client.connection, claim.user_id, claim.login_id)
    hub.expect(member)
    try:
        user = confirm(claim)
        _check_most(claim.user_id)
    except BaseException:
        hub.leave(member)
        raise
    hub.join(member)
    client.member, client.scopes = member, claim.scopes
    return user


def _check_most(user_id: str) -> None:
    if current().hub.connections_of(user_id) >= settings().max_connections_per_user:
        metrics.REFUSALS.labels("user").inc()
        raise TooManyConnections(retry_after_ms=FULL_RETRY_MS)


def _is_same(member: Member, identity: Identity) -> bool:
    return member.user_id == identity.user_id and member.login_id == identity.login_id


def _check_room(member: Member, session_id: str) -> None:
    if session_id not in member.viewers and len(member.viewers) >= SESSIONS_PER_CONNECTION:
        raise Problem("Too many sessions are open on this connection. Close one first.", code="conflict", status=409)


def _holds(command: protocol.SessionOpen) -> Holds:
    holds: dict[str, dict[str, tuple[int, int]]] = {}
    for hold in command.holds:
        holds.setdefault(str(hold.run_id), {})[hold.part] = (hold.epoch, hold.offset)
    return holds


def _sent_json(sent: actions.Sent) -> Json:
    return sent_json(sent.session_id, sent.message_id, sent.run_id, sent.notice)


def _release(member: Member, opened: list[str], revision: int) -> None:
    for session_id in opened:
        current().hub.release(member, session_id, revision, {})


def _created_again(sent: actions.Sent) -> list[protocol.MessageCreated]:
    """The events of a send whose first answer was lost, as they stand now."""
    return [
        protocol.MessageCreated(sent.session_id, message.revision, written_json(message, run))
        for message, run in question_and_answer(sent.message_id)
    ]


def _tell_again(
    client: Client, member: Member, opened: list[str], sent: actions.Sent, events: list[protocol.MessageCreated]
) -> None:
    for event in events:
        client.connection.offer(protocol.encode_event(event))
    _release(member, opened, sent.revision)
