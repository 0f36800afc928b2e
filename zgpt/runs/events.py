"""A run as an event stream: for proxies that break WebSockets, and for curl. The same positions, the same JSON."""

from __future__ import annotations

from typing import Final

from flask import Response, current_app, request
from pydantic import Field

from zgpt.auth.access import confirm
from zgpt.auth.tokens import Identity
from zgpt.core import clock
from zgpt.core.config import settings
from zgpt.core.errors import NotFound, Unavailable
from zgpt.core.inputs import Query
from zgpt.realtime import sse
from zgpt.realtime.hub import Member
from zgpt.realtime.live import LiveRun
from zgpt.realtime.server import Sock, admitted_network, current, no_room
from zgpt.realtime.stream import EventStream, StreamResponse
from zgpt.runs import ending
from zgpt.runs.access import access_run
from zgpt.runs.models import Run
from zgpt.runs.queries import OPEN, end_read, written_now

LONGEST_S: Final = 86_400
"""Longer than any access token lives, which ends the stream anyhow."""


class EventsQuery(Query):
    """Where to begin: the `id` of the last event that was seen (the header `Last-Event-ID` says it too, and wins).

    `seconds`: end after so long, to be asked again. It is for who sits behind a proxy that passes only whole answers.
    """

    after: str = Field("", max_length=64, json_schema_extra={"pattern": sse.POSITION_PATTERN})
    seconds: int = Field(LONGEST_S, ge=1, le=LONGEST_S)


def stream_run(identity: Identity, run_id: str, query: EventsQuery) -> Response:
    """The run from a position on: what is missing, what comes, the end. The socket leaves the request."""
    holds = sse.parse_position(request.headers.get("Last-Event-ID") or query.after)
    run = access_run(identity, run_id)
    if request.method == "HEAD":
        return Response(content_type=sse.MEDIA_TYPE)
    live = _live(run)
    sock: Sock = current_app.extensions["sock"]
    network = admitted_network(sock.engine)
    hub = current().hub
    if hub.connections_of(identity.user_id) >= settings().max_connections_per_user:
        raise no_room("user")

    def closed() -> None:
        hub.leave(member)
        live.discard(cursor)

    lives_s = min(query.seconds, max(1.0, identity.expires_at - clock.now_ms() / 1_000))
    stream = EventStream(sock.engine, network, lives_s, closed)
    member = Member(stream, identity.user_id, identity.login_id)
    cursor = stream.cursor = live.add_stream(stream, holds)
    hub.join(member)
    try:
        # Again, now that a revocation would be heard: one in between cannot be missed.
        confirm(identity)
    except Exception:
        # The login has ended, or the database is away: either way it must not stay in the hub.
        closed()
        raise
    return StreamResponse(stream)


def _live(run: Run) -> LiveRun:
    """The run in this process; made from the database when it has ended."""
    head = ending.head_of(run)
    if run.status in OPEN:
        end_read()
        current().broker.prepare([head])
    live = current().hub.live_run(run.id)
    if live is not None:
        return live
    message = written_now(run)
    if run.status in OPEN:
        raise Unavailable("This answer is being moved to another process. Come back in a moment.", retry_after_ms=1_000)
    if message is None:
        raise NotFound
    ended = LiveRun(head, {"text": message.text.encode(), "reasoning": message.reasoning.encode()})
    ended.finish(ending.completed_event(run, message))
    return ended
