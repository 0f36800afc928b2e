"""From a frame to an answer: parse, limit, run, and tell what went wrong. What a command does is in `commands`."""

from __future__ import annotations

import json
from typing import cast

import structlog
from flask import Flask

from zgpt.core import clock, limits, metrics
from zgpt.core.config import Settings
from zgpt.core.db import database_faults
from zgpt.core.errors import Problem
from zgpt.gateway.client import REFUSALS_BEFORE_CLOSE, Client
from zgpt.gateway.commands import COMMANDS, TooManyConnections
from zgpt.gateway.deadlines import Deadlines
from zgpt.gateway.pool import CommandPool
from zgpt.realtime import close_codes, door
from zgpt.realtime.connection import Connection
from zgpt.realtime.hub import Hub
from zgpt.realtime.protocol import (
    AnyCommand,
    AuthExpiring,
    BadCommand,
    Error,
    Event,
    Ok,
    Ping,
    RunStop,
    encode_event,
    parse_command,
)

AUTH_GRACE_S = 25.0
"""For a page that was asleep: time to wake, refresh its token and say so, before its socket is closed."""

UNCOUNTED = (RunStop, Ping)
"""Stopping must neither be refused nor wait for the counter's Redis; a connection's own allowance bounds both."""

log = structlog.get_logger(__name__)


class Gateway:
    """The handler of every chat connection of this process. The `on_…` methods run on the event loop and never wait."""

    def __init__(self, app: Flask, hub: Hub, settings: Settings) -> None:
        self._app = app
        self._hub = hub
        self._hello_timeout_s = settings.hello_timeout_s
        self._strangers = 0
        self._strangers_most = settings.max_connections_without_hello
        self._pool = CommandPool(self._act)
        door.workloads.append(self._pool.__len__)
        self.deadlines = Deadlines(self._due)

    @property
    def full(self) -> bool:
        """Whether too many connections are open that have not said who they are."""
        return self._strangers >= self._strangers_most

    def on_open(self, conn: Connection) -> None:
        client = Client(conn)
        conn.state = client
        self._strangers += 1
        self.deadlines.set(client, clock.now_ms() / 1000 + self._hello_timeout_s)

    def on_text(self, conn: Connection, data: bytes) -> None:
        client = _client(conn)
        command = parse_command(data)
        wait_s = client.spend()
        if wait_s:
            self._refuse(client, command.id, wait_s)
        elif isinstance(command, BadCommand):
            metrics.BAD_FRAMES.labels(command.code).inc()
            _send(client, Error(command.id, command.code, command.message))
        elif client.push(command):
            self._pool.submit(client)
        else:
            _send(client, Error(command.id, "busy", "Earlier commands are still at work. Wait for them.", True, 1000))

    def on_binary(self, conn: Connection, _data: bytes) -> None:
        metrics.BAD_FRAMES.labels("binary").inc()
        conn.close(close_codes.BINARY_REFUSED, "Only text frames are understood here.")

    def on_drain(self, conn: Connection) -> None:
        member = _client(conn).member
        if member is not None:
            self._hub.drained(member)

    def on_close(self, conn: Connection, _code: int) -> None:
        self.forget(_client(conn))

    def forget(self, client: Client) -> None:
        """It belongs to nothing here any more. Again is harmless."""
        self.deadlines.clear(client)
        self.know(client)
        if client.member is not None:
            self._hub.leave(client.member)

    def know(self, client: Client) -> None:
        """It has said hello."""
        if client.stranger:
            client.stranger = False
            self._strangers -= 1

    def _act(self, client: Client, command: AnyCommand) -> None:
        """Run one command in an app context of its own, so that no idle socket holds a database session."""
        if client.connection.closed:
            return
        outcome = "ok"
        try:
            with self._app.app_context(), database_faults():
                self._run(client, command)
        except Problem as fault:
            outcome = fault.code
            _send(client, _error(command.id, fault))
            if isinstance(fault, TooManyConnections):
                client.connection.close(close_codes.OVERLOAD, json.dumps({"retry_after_ms": fault.retry_after_ms}))
        except Exception:
            # Whatever a command raises, its client is told, and the next command is run.
            outcome = "internal"
            log.exception("command_failed", type=_type(command))
            _send(client, _error(command.id, Problem()))
        metrics.COMMANDS.labels(_type(command), outcome).inc()
        if client.connection.closed:
            # It closed while the command ran, which may have said hello or opened a session since.
            self.forget(client)

    def _run(self, client: Client, command: AnyCommand) -> None:
        if client.member is not None and not isinstance(command, UNCOUNTED):
            limits.hit("commands", client.member.user_id)
        reply = COMMANDS[type(command)](client, command)
        # Only who has said hello gets a reply: the others are told that they have to.
        self.know(client)
        if reply.expires_at is not None:
            client.warned = False
            self.deadlines.set(client, reply.expires_at)
        _send(client, Ok(command.id, reply.result))
        if reply.then is not None:
            reply.then()

    def _refuse(self, client: Client, command_id: str | None, wait_s: float) -> None:
        metrics.BAD_FRAMES.labels("rate_limited").inc()
        if client.refusals > REFUSALS_BEFORE_CLOSE:
            client.connection.close(close_codes.TOO_MANY_COMMANDS, "Too many commands.")
            return
        words = "Too many commands at once. Wait a moment."
        _send(client, Error(command_id, "rate_limited", words, True, int(wait_s * 1000) + 1))

    def _due(self, client: Client) -> None:
        if client.member is None:
            client.connection.close(close_codes.NO_HELLO, "No hello came in time.")
        elif client.warned:
            client.connection.close(close_codes.AUTH_EXPIRED, "The access token has expired. Refresh it and come back.")
        else:
            client.warned = True
            _send(client, AuthExpiring(AUTH_GRACE_S))
            self.deadlines.set(client, clock.now_ms() / 1000 + AUTH_GRACE_S)


def _client(conn: Connection) -> Client:
    return cast("Client", conn.state)


def _send(client: Client, event: Event) -> None:
    client.connection.offer(encode_event(event))


def _type(command: AnyCommand) -> str:
    return str(command.__struct_config__.tag)


def _error(command_id: str, fault: Problem) -> Error:
    return Error(command_id, fault.code, fault.message, fault.retryable, fault.retry_after_ms)
