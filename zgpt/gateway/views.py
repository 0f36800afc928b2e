"""The WebSocket endpoint, and what of it runs in the background of a serving process. Commands are in `commands`."""

from __future__ import annotations

import json
import secrets

import gevent
from flask import Flask

from zgpt.core.config import Settings
from zgpt.core.openapi import operation
from zgpt.gateway.asyncapi import blueprint as asyncapi
from zgpt.gateway.handler import Gateway
from zgpt.gateway.watch import AccountWatch
from zgpt.realtime import close_codes
from zgpt.realtime.connection import Connection
from zgpt.realtime.server import Sock, no_room

RETURN_SPREAD_MS = 2_000
"""Clients of a process that ends come back spread over this time, so that the next one is not met by all at once."""


def register(app: Flask, settings: Settings) -> None:
    """Serve `/ws` and the document of it."""
    sock = Sock(app)
    gateway = Gateway(app, app.extensions["realtime"].hub, settings)
    app.extensions["gateway"] = gateway
    app.extensions["account_watch"] = AccountWatch(app, app.extensions["realtime"].hub)
    app.extensions["sock"] = sock
    app.register_blueprint(asyncapi)

    @sock.route("/ws")
    @operation(summary="Open the WebSocket", auth="socket", responses={101: None}, problems=(400, 403, 426, 429, 503))
    def ws(connection: Connection) -> None:
        """Commands in, events out: see docs/protocol.md. The first command is `hello`, with an access token."""
        if gateway.full:
            raise no_room("hello")
        connection.attach(gateway)


def start_gateway(app: Flask) -> None:
    """In the process that serves: watch the deadlines and, where no Redis brings them, changes of accounts."""
    gevent.spawn(app.extensions["gateway"].deadlines.run)
    if app.config["ZGPT"].redis_url is None:
        gevent.spawn(app.extensions["account_watch"].run)


def stop_gateway(app: Flask) -> None:
    """The process ends: send every client away, with a moment of its own to come back.

    But not one at rest, on its way from another process, which may read it still: it is told when it has come.
    """
    app.extensions["gateway"].deadlines.stop()
    app.extensions["account_watch"].stop()
    with app.app_context():
        engine = app.extensions["sock"].engine
    for connection in list(engine.connections):
        wait_ms = secrets.randbelow(RETURN_SPREAD_MS)
        if isinstance(connection, Connection):
            if connection.is_at_rest:
                continue
            # Nobody took it over; its peer's goodbye has to be read.
            connection.read_on()
        connection.close(close_codes.RESTART, json.dumps({"retry_after_ms": wait_ms}))
