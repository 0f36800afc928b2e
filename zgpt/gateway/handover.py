"""Chat connections that change their process: what one takes along, and how it is brought up to date where it arrives.

The sockets themselves are passed by `zgpt.realtime.handover`. A viewer takes along how far it is in each run, but not
its revision, which only the client knows: it is shown the newest change of what it looks at, and asks if it lacks
another. Events that no process showed it in between can so be late, but not lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import gevent
import msgspec
import structlog
from gevent.lock import BoundedSemaphore

from zgpt.core import clock, metrics
from zgpt.core.db import database_faults
from zgpt.core.errors import Unavailable
from zgpt.gateway.client import Client
from zgpt.gateway.handler import Gateway
from zgpt.realtime import close_codes
from zgpt.realtime.connection import Connection
from zgpt.realtime.drain import draining
from zgpt.realtime.handover import Arrival
from zgpt.realtime.handover_record import RecordError, decode_record, encode_record
from zgpt.realtime.hub import Member
from zgpt.realtime.live import Cursor, RunHead
from zgpt.realtime.protocol import encode_event
from zgpt.realtime.server import Realtime
from zgpt.runs.news import News, news_for

if TYPE_CHECKING:
    from flask import Flask

QUIET_S: Final = 2.0
"""Commands take milliseconds. One that has not ended by then waits for a database, and its client will ask again."""
TRIES: Final = 4
RETRY_S: Final = 0.5
"""A database that is away for longer than two seconds is not waited for: the clients come back when it is there."""
BEHIND_S: Final = 1.0
"""How long this process may take to hear what another one has shown already."""
LOOK_S: Final = 0.02
AT_ONCE: Final = 2
"""Batches that read the database at the same time: the pool is there for the others too."""
RETRY_AFTER_MS: Final = 1_000

log = structlog.get_logger(__name__)


class RunPlace(msgspec.Struct, frozen=True, array_like=True):
    """How far a viewer is in a run whose end it was not told."""

    run_id: str
    epoch: int
    at: dict[str, int]


class SessionPlace(msgspec.Struct, frozen=True, array_like=True):
    session_id: str
    runs: list[RunPlace]


class ClientRecord(msgspec.Struct, frozen=True, array_like=True):
    """`user_id` is empty while it has not said hello. `due_s`: see Deadlines; `scopes`: see Identity."""

    user_id: str
    login_id: str
    due_s: int
    warned: bool
    allowance: float
    refusals: int
    sessions: list[SessionPlace]
    scopes: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """A connection that has just come."""

    client: Client
    record: ClientRecord

    @property
    def connection(self) -> Connection:
        return self.client.connection

    def holds(self, session: SessionPlace) -> dict[str, dict[str, tuple[int, int]]]:
        """What the viewer has of the runs of a session, as `session.open` would say it."""
        return {run.run_id: {part: (run.epoch, at) for part, at in run.at.items()} for run in session.runs}


def record_of(client: Client) -> bytes:
    """What a client takes along."""
    member = client.member
    sessions = [] if member is None else [_place_of(session_id, member) for session_id in member.viewers]
    return encode_record(
        ClientRecord(
            member.user_id if member else "",
            member.login_id if member else "",
            client.due_s,
            client.warned,
            client.allowance,
            client.refusals,
            sessions,
            None if client.scopes is None else sorted(client.scopes),
        )
    )


def _place_of(session_id: str, member: Member) -> SessionPlace:
    cursors = member.viewers[session_id].cursors.values()
    return SessionPlace(session_id, [_place_in(one) for one in cursors if one in one.run.cursors])


def _place_in(cursor: Cursor) -> RunPlace:
    # One that has still to be told of a new epoch has no offsets: this hold makes the next process tell it.
    return RunPlace(cursor.run.head.run_id, cursor.epoch, dict(cursor.at) or {"text": 0})


class Handover:
    """The arrivals of one process, and its departure."""

    def __init__(self, app: Flask, gateway: Gateway, realtime: Realtime, per_user: int) -> None:
        self._app = app
        self._gateway = gateway
        self._realtime = realtime
        self._per_user = per_user
        self._room = BoundedSemaphore(AT_ONCE)

    # Leaving

    def quiet(self, connections: Iterable[Connection]) -> list[Connection]:
        """Take no more commands, and wait for those at work; returns the connections that none is at work for."""
        all_of_them = list(connections)
        for connection in all_of_them:
            connection.pause_reading()
        until_s = clock.monotonic() + QUIET_S
        while any(_is_busy(one) for one in all_of_them) and clock.monotonic() < until_s:
            gevent.sleep(LOOK_S)
        return [one for one in all_of_them if not _is_busy(one)]

    def freeze(self, connection: Connection) -> bytes:
        """What its client takes along; it belongs to nothing here afterwards."""
        client = _client(connection)
        record = record_of(client)
        self._gateway.forget(client)
        return record

    # Arriving

    def arrive(self, arrivals: list[Arrival]) -> None:
        """Make each connection what it was in the other process, and show it what it missed meanwhile.

        Who comes when this process drains already is told to come back: nobody would look at it again.
        """
        guests = [guest for arrival in arrivals if (guest := self._seat(*arrival)) is not None]
        if draining():
            for guest in guests:
                self._send_away(guest.connection)
            return
        with self._room:
            news = self._patiently(guests)
        if news is not None:
            self._realtime.broker.prepare(news.open_runs)
            self._catch_up(guests, news.open_runs)
        for guest in guests:
            self._settle(guest, news)

    def _seat(self, connection: Connection, state: bytes) -> Guest | None:
        """Let it be heard of from now on; no event after this is missed."""
        connection.attach(self._gateway)
        self._gateway.on_open(connection)
        connection.go_on()
        try:
            record = decode_record(state, ClientRecord)
        except RecordError as fault:
            log.warning("record_refused", reason=str(fault))
            self._send_away(connection)
            return None
        client = _client(connection)
        client.warned, client.refusals, client.allowance = record.warned, record.refusals, record.allowance
        client.scopes = None if record.scopes is None else frozenset(record.scopes)
        self._gateway.deadlines.set(client, record.due_s - 1)
        if record.user_id:
            self._join(client, record)
        return Guest(client, record)

    def _join(self, client: Client, record: ClientRecord) -> None:
        client.member = Member(client.connection, record.user_id, record.login_id)
        self._gateway.know(client)
        self._realtime.hub.join(client.member)
        for session in record.sessions:
            self._realtime.hub.hold(client.member, session.session_id)

    def _patiently(self, guests: list[Guest]) -> News | None:
        """What is stored of all that they look at; None when the database stays away."""
        for attempt in range(TRIES):
            if attempt:
                gevent.sleep(RETRY_S)
            try:
                with self._app.app_context(), database_faults():
                    return _read([guest.record for guest in guests])
            except Unavailable:
                log.warning("arrivals_wait", connections=len(guests))
            except Exception:
                # Their clients know how to come back; nobody else knows that they are here.
                log.exception("arrivals_failed", connections=len(guests))
                break
        return None

    def _catch_up(self, guests: list[Guest], heads: list[RunHead]) -> None:
        """Another process may have shown what this one will hear in a moment."""
        live = {head.run_id for head in heads}
        places = [run for guest in guests for session in guest.record.sessions for run in session.runs]
        followed = [place for place in places if place.run_id in live]
        until_s = clock.monotonic() + BEHIND_S
        while any(self._is_behind(place) for place in followed) and clock.monotonic() < until_s:
            gevent.sleep(LOOK_S)

    def _is_behind(self, place: RunPlace) -> bool:
        run = self._realtime.hub.live_run(place.run_id)
        if run is None:
            return False
        if run.head.epoch != place.epoch:
            return run.head.epoch < place.epoch
        return any(at > len(run.parts[part].data) for part, at in place.at.items())

    def _settle(self, guest: Guest, news: News | None) -> None:
        """One that cannot be told must not keep the others from it."""
        try:
            if news is None:
                self._send_away(guest.connection)
            else:
                self._tell(guest, news)
        except Exception:
            # Its client knows how to come back.
            log.exception("arrival_failed", connection_id=guest.connection.id)
            self._send_away(guest.connection)

    def _tell(self, guest: Guest, news: News) -> None:
        connection, member = guest.connection, guest.client.member
        if member is not None and (member.user_id, member.login_id) not in news.logins:
            metrics.HANDOVERS.labels("revoked").inc()
            connection.close(close_codes.LOGIN_ENDED, "This sign-in has ended.")
        elif member is not None and self._realtime.hub.connections_of(member.user_id) > self._per_user:
            metrics.REFUSALS.labels("user").inc()
            connection.close(close_codes.OVERLOAD, _come_back())
        elif member is not None:
            # First what is small: behind a long message the queue of a slow reader has no room.
            if (listed := news.lists.get(member.user_id)) is not None:
                connection.offer(encode_event(listed))
            for session in guest.record.sessions:
                self._show(guest, member, session, news)
        connection.read_on()

    def _show(self, guest: Guest, member: Member, session: SessionPlace, news: News) -> None:
        hub, found = self._realtime.hub, news.sessions.get(session.session_id)
        if found is None:
            hub.close_session(member, session.session_id)
            return
        ended = [news.ended_runs[run.run_id] for run in session.runs if run.run_id in news.ended_runs]
        # The end of a run carries its message, behind the text that a slow reader has still to be told.
        if found.message_id not in {run.head.message_id for run in ended}:
            guest.connection.offer(encode_event(found.newest))
        if found.deleted:
            hub.close_session(member, session.session_id)
            return
        hub.release(member, session.session_id, found.revision, guest.holds(session), ended)

    def _send_away(self, connection: Connection) -> None:
        metrics.HANDOVERS.labels("sent_away").inc()
        connection.read_on()
        connection.close(close_codes.RESTART, _come_back())


def _read(records: list[ClientRecord]) -> News:
    places = [session for record in records for session in record.sessions]
    return news_for(
        {record.login_id for record in records if record.login_id},
        {record.user_id for record in records if record.user_id},
        {session.session_id for session in places},
        {run.run_id for session in places for run in session.runs},
    )


def _client(connection: Connection) -> Client:
    return cast("Client", connection.state)


def _is_busy(connection: Connection) -> bool:
    return not connection.closed and connection.is_movable and _client(connection).queued


def _come_back() -> str:
    return json.dumps({"retry_after_ms": RETRY_AFTER_MS})
