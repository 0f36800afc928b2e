"""flask-sock's surface with our engine under it: Flask routes and judges the handshake, then lets go of the socket.

The view runs inside the normal request (routing, rate limits, error pages), attaches a handler and returns. Then the
descriptor leaves the WSGI server and the request ends: no greenlet, context or request lives on with the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, cast

import flask_sock
from flask import Blueprint, Flask, Response, after_this_request, current_app, request

from zgpt.core import callers, metrics
from zgpt.core.config import Settings, settings
from zgpt.core.errors import Forbidden, Unavailable
from zgpt.realtime import handshake, takeover
from zgpt.realtime.connection import Connection
from zgpt.realtime.drain import draining
from zgpt.realtime.loop import Engine, Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from zgpt.realtime.broker import Broker
    from zgpt.realtime.hub import Hub

P = ParamSpec("P")
RETRY_AFTER_MS = 2_000


@dataclass(frozen=True, slots=True)
class Realtime:
    """The delivery of one app in this process."""

    hub: Hub
    broker: Broker


def current() -> Realtime:
    """The delivery of the current app."""
    return cast("Realtime", current_app.extensions["realtime"])


class Sock(flask_sock.Sock):
    """`@sock.route("/ws")` over a function that gets a Connection, attaches its handler and returns.

    What it raises before that is answered as HTTP. `limits` default to the app's settings.
    """

    def __init__(self, app: Flask | None = None, limits: Limits | None = None) -> None:
        self.bp: Blueprint | None = None
        self._limits = limits
        self._engine: Engine | None = None
        super().__init__(app)

    @property
    def engine(self) -> Engine:
        """The open connections. Made when first asked for, on the loop that serves them."""
        if self._engine is None:
            self._engine = Engine(self._limits or limits_of(settings()))
        return self._engine

    def route(
        self, path: str, bp: Blueprint | None = None, **options: Any
    ) -> Callable[[Callable[P, None]], Callable[P, None]]:
        """Serve WebSockets at `path`; other requests to it are told so (426)."""

        def decorator(view: Callable[P, None]) -> Callable[P, None]:
            endpoint = options.pop("endpoint", view.__name__)
            target = bp or self.app or self._blueprint()
            accept = _in_request(view, self._accept)
            target.add_url_rule(path, endpoint, accept, websocket=True, **options)
            target.add_url_rule(path, f"{endpoint}_explained", _explain, methods=["GET"], **options)
            return view

        return decorator

    def _blueprint(self) -> Blueprint:
        if self.bp is None:
            self.bp = Blueprint("sock", __name__)
        return self.bp

    def _accept(self, view: Callable[..., None], args: tuple[Any, ...], values: dict[str, Any]) -> Response:
        _check()
        connection = Connection(self.engine, admitted_network(self.engine))
        view(connection, *args, **values)
        _ = connection.handler
        return Upgrade(connection, request.headers["Sec-WebSocket-Key"])


class Upgrade(Response):
    """The end of an accepted handshake: called as the WSGI response, it moves the socket to its connection."""

    default_status = 101

    def __init__(self, connection: Connection, key: str) -> None:
        super().__init__()
        self._connection = connection
        self._head = handshake.encode_accept(key)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> NoReturn:
        """Start the connection. Never returns: the exception tells the WSGI server that there is no response."""
        taken = takeover.take_from(environ)
        self._connection.start(taken.fd, self._head, taken.early)
        raise taken.done


def admitted_network(engine: Engine) -> str:
    """The network that the current request's socket will be counted for; Unavailable when there is no room for it."""
    if not takeover.can_take_from(request.environ):
        raise RuntimeError("this server keeps its sockets: run gunicorn with zgpt.realtime.worker.Worker")
    if draining():
        raise no_room()
    if engine.full:
        raise no_room("connections")
    network = callers.counted_network()
    if not engine.has_room_for(network):
        raise no_room("address")
    return network


def no_room(limit: str | None = None) -> Unavailable:
    """The answer (503) to a handshake above a limit; counts it."""
    if limit:
        metrics.REFUSALS.labels(limit).inc()
    return Unavailable("No room for more connections now. Come back in a moment.", retry_after_ms=RETRY_AFTER_MS)


def limits_of(chosen: Settings) -> Limits:
    """The engine's limits as the operator set them."""
    return Limits(
        message_bytes=chosen.max_frame_bytes,
        heartbeat_s=chosen.heartbeat_s,
        send_stall_s=chosen.send_stall_s,
        connections=chosen.max_connections,
        connections_per_network=chosen.max_connections_per_ip,
    )


def _in_request(view: Callable[..., None], accept: Callable[..., Response]) -> Callable[..., Response]:
    @wraps(view)
    def upgrade(*args: Any, **values: Any) -> Response:
        return accept(view, args, values)

    return upgrade


def _explain(**_: Any) -> NoReturn:
    @after_this_request
    def say_what_is_spoken(response: Response) -> Response:
        response.headers["Upgrade"] = "websocket"
        response.headers["Connection"] = "Upgrade"
        response.headers["Sec-WebSocket-Version"] = handshake.VERSION
        return response

    raise handshake.UpgradeRequired


def _check() -> None:
    try:
        handshake.check_request(request.environ)
        handshake.check_origin(request.environ, _allowed_origins(), secure=_is_secure())
    except handshake.UpgradeRequired:
        _explain()
    except Forbidden:
        metrics.BAD_ORIGINS.inc()
        raise


def _allowed_origins() -> tuple[str, ...]:
    chosen = current_app.config.get("ZGPT")
    if chosen is None:
        return ()
    return (*chosen.allowed_origins, *((chosen.public_url,) if chosen.public_url else ()))


def _is_secure() -> bool:
    chosen = current_app.config.get("ZGPT")
    return chosen is not None and chosen.secure_cookies
