"""An app that only echoes, on the engine and the worker of the product; mounted in tests alone.

ECHO_STUCK_DRAIN=1 makes it hang when it should exit; ECHO_SLOW_S is what a slow answer takes. A file `boot` in
INSTANCE_DIR makes a start `broken` or `slow`.
"""

import os
from pathlib import Path

import gevent
import structlog
from flask import Flask

from zgpt.realtime.connection import Connection
from zgpt.realtime.drain import on_drain
from zgpt.realtime.frames import encode_binary
from zgpt.realtime.loop import Limits
from zgpt.realtime.server import Sock

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
)
MESSAGE_BYTES = 32 * 1024 * 1024
SLOW_S = float(os.environ.get("ECHO_SLOW_S", "1.0"))
SLOW_BOOT_S = 25.0

boot = Path(os.environ["INSTANCE_DIR"]) / "boot"
how = boot.read_text() if boot.exists() else ""
if how == "broken":
    raise RuntimeError("this version does not start")
if how == "slow":
    gevent.sleep(SLOW_BOOT_S)

app = Flask(__name__)
sock = Sock(app, Limits(message_bytes=MESSAGE_BYTES))


class Echo:
    def on_open(self, conn: Connection) -> None:
        pass

    def on_text(self, conn: Connection, data: bytes) -> None:
        conn.offer(data)

    def on_binary(self, conn: Connection, data: bytes) -> None:
        conn.offer_frame(encode_binary(data))

    def on_drain(self, conn: Connection) -> None:
        pass

    def on_close(self, conn: Connection, code: int) -> None:
        pass


@sock.route("/")
def echo(connection: Connection) -> None:
    connection.attach(Echo())


@app.get("/readyz")
def ready() -> str:
    return "ready"


@app.get("/slow")
def slow() -> str:
    gevent.sleep(SLOW_S)
    return "done"


@on_drain
def say_goodbye() -> None:
    for connection in list(sock.engine.connections):
        connection.close(1012, '{"retry_after_ms":100}')
    if "ECHO_STUCK_DRAIN" in os.environ:
        gevent.sleep(3_600)


@on_drain
def fail() -> None:
    raise ValueError("a callback that fails")
