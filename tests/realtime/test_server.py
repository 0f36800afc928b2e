"""flask-sock's surface: what Flask answers before a socket leaves it."""

import inspect
from collections.abc import Callable
from typing import Any

import flask_sock
import pytest
from flask import Blueprint, Flask
from werkzeug.test import TestResponse

from tests.realtime.lines import Recorder
from tests.realtime.test_handshake import PROPER
from zgpt.core import metrics
from zgpt.core.config import load_settings
from zgpt.core.errors import Problem, RateLimited
from zgpt.realtime import drain, server
from zgpt.realtime.connection import Connection
from zgpt.realtime.loop import Limits
from zgpt.realtime.server import Realtime, Sock, current, limits_of

HEADERS = {
    name.removeprefix("HTTP_").replace("_", "-").title(): value
    for name, value in PROPER.items()
    if name.startswith("HTTP_") and name != "HTTP_HOST"
}
Ask = Callable[..., TestResponse]


def make_app(sock: Sock, view: Callable[[Connection], None], **options: Any) -> Flask:
    app = Flask(__name__)
    app.register_error_handler(Problem, lambda problem: ({"code": problem.code}, problem.status))
    sock.route("/ws", **options)(view)
    sock.init_app(app)
    return app


def attach(connection: Connection) -> None:
    connection.attach(Recorder())


def ask(app: Flask, *, gives_socket: bool = True, **headers: str | None) -> TestResponse:
    """One handshake; the server is one that would give its socket away."""
    sent = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    environ = {"gunicorn.socket": object()} if gives_socket else {}
    present = {name: value for name, value in sent.items() if value is not None}
    return app.test_client().get("/ws", headers=present, environ_overrides=environ)


def test_a_plain_request_is_told_what_is_spoken_here() -> None:
    answer = make_app(Sock(limits=Limits()), attach).test_client().get("/ws")
    assert (answer.status_code, answer.json) == (426, {"code": "upgrade_required"})
    assert answer.headers["Upgrade"] == "websocket"
    assert answer.headers["Sec-WebSocket-Version"] == "13"


def test_another_version_is_told_which_one_is_spoken() -> None:
    answer = ask(make_app(Sock(limits=Limits()), attach), Sec_Websocket_Version="8")
    assert answer.status_code == 426
    assert answer.headers["Sec-WebSocket-Version"] == "13"


def test_a_broken_key_is_a_bad_request() -> None:
    assert ask(make_app(Sock(limits=Limits()), attach), Sec_Websocket_Key="x").status_code == 400


def test_another_sites_page_is_refused_and_counted() -> None:
    before = metrics.BAD_ORIGINS._value.get()
    answer = ask(make_app(Sock(limits=Limits()), attach), Origin="https://evil.example")
    assert (answer.status_code, answer.json) == (403, {"code": "bad_origin"})
    assert metrics.BAD_ORIGINS._value.get() == before + 1


def test_the_settings_say_which_other_pages_may_connect_and_how_much_a_message_may_be() -> None:
    env = {"ALLOWED_ORIGINS": "https://site.example", "PUBLIC_URL": "https://chat.example", "MAX_FRAME_BYTES": "50000"}
    sock = Sock()
    app = make_app(sock, _stop)
    app.config["ZGPT"] = load_settings(env)
    assert ask(app, Origin="https://site.example").status_code == 429
    assert ask(app, Origin="https://chat.example").status_code == 429
    assert ask(app, Origin="https://evil.example").status_code == 403
    assert sock.engine.limits.message_bytes == 50_000


def _stop(connection: Connection) -> None:
    raise RateLimited


def test_without_a_public_url_only_the_list_counts() -> None:
    app = make_app(Sock(), _stop)
    app.config["ZGPT"] = load_settings({})
    assert ask(app, Origin="https://chat.example").status_code == 403


def test_what_the_view_raises_is_answered_as_http() -> None:
    assert ask(make_app(Sock(limits=Limits()), _stop)).status_code == 429


def test_a_view_that_attaches_nobody_is_a_fault_of_ours() -> None:
    assert ask(make_app(Sock(limits=Limits()), lambda connection: None)).status_code == 500


def test_a_server_that_keeps_its_sockets_is_a_fault_of_ours() -> None:
    assert ask(make_app(Sock(limits=Limits()), attach), gives_socket=False).status_code == 500


def test_a_full_house_says_come_back() -> None:
    assert ask(make_app(Sock(limits=Limits(connections=0)), attach)).status_code == 503


def test_a_process_that_is_about_to_exit_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "_draining", True)
    assert ask(make_app(Sock(limits=Limits()), attach)).status_code == 503


def test_the_decorator_has_the_parameters_of_flask_sock() -> None:
    theirs = list(inspect.signature(flask_sock.Sock.route).parameters)
    assert list(inspect.signature(Sock.route).parameters)[:3] == theirs[:3]


def test_a_route_on_an_app_or_a_blueprint_returns_the_function() -> None:
    app = Flask(__name__)
    blueprint = Blueprint("room", __name__)
    sock = Sock(app, Limits())
    assert sock.route("/a")(attach) is attach
    assert sock.route("/b", bp=blueprint, endpoint="own")(attach) is attach
    app.register_blueprint(blueprint)
    rules = {(rule.rule, rule.endpoint, bool(rule.websocket)) for rule in app.url_map.iter_rules()}
    assert {("/a", "attach", True), ("/a", "attach_explained", False), ("/b", "room.own", True)} <= rules


def test_two_routes_before_the_app_share_one_blueprint() -> None:
    sock = Sock(limits=Limits())
    sock.route("/a", endpoint="a")(attach)
    sock.route("/b", endpoint="b")(attach)
    app = Flask(__name__)
    sock.init_app(app)
    assert {"/a", "/b"} <= {rule.rule for rule in app.url_map.iter_rules()}


def test_the_limits_follow_the_settings() -> None:
    chosen = load_settings(
        {"HEARTBEAT_S": "5", "SEND_STALL_S": "7", "MAX_CONNECTIONS": "9", "MAX_FRAME_BYTES": "40000"}
    )
    limits = limits_of(chosen)
    assert (limits.heartbeat_s, limits.send_stall_s, limits.connections, limits.message_bytes) == (5, 7, 9, 40_000)


def test_the_current_apps_delivery_is_found() -> None:
    app = Flask(__name__)
    app.extensions["realtime"] = Realtime(hub=None, broker=None)  # type: ignore[arg-type]
    with app.app_context():
        assert current() is app.extensions["realtime"]
    assert server.RETRY_AFTER_MS > 0


def test_an_address_with_too_many_connections_is_told_to_come_back() -> None:
    assert ask(make_app(Sock(limits=Limits(connections_per_network=0)), attach)).status_code == 503
