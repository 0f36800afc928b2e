"""What the WebSocket engine needs of gunicorn, gevent, werkzeug and flask-sock: an update that breaks it is seen."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import flask_sock
import gevent
import pytest
from gevent import socket as gevent_socket
from gevent.server import StreamServer
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import Unreader
from gunicorn.workers.ggevent import GeventWorker

from tests.conformance.conftest import MakeEcho
from tests.realtime.conftest import echo
from tests.realtime.lines import tcp_pair
from tests.support.server import ROOT, Server
from tests.support.ws_client import Client
from tests.support.ws_frames import TEXT, encode

__all__ = ["echo"]
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def converse(port: int, sent: bytes, expected: bytes) -> bytes:
    """Send in one segment, read as much as is expected."""
    with gevent_socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(sent)
        data = b""
        while len(data) < len(expected):
            piece = sock.recv(65_536)
            if not piece:
                break
            data += piece
        return data


def test_a_frame_in_the_same_segment_as_the_handshake_is_served_and_nothing_else_is_written(echo: MakeEcho) -> None:
    expected = SWITCHED + b"\x81\x05early"
    assert converse(echo().port, HANDSHAKE + encode(TEXT, b"early"), expected) == expected


def test_early_frames_beyond_gunicorns_read_are_served_in_order(echo: MakeEcho) -> None:
    texts = [bytes([65 + number]) * 100 for number in range(26)] * 20
    expected = SWITCHED + b"".join(b"\x81\x64" + text for text in texts)
    sent = HANDSHAKE + b"".join(encode(TEXT, text) for text in texts)
    assert len(sent) > 5 * 8_192
    assert converse(echo().port, sent, expected) == expected


def test_a_handshake_on_a_kept_alive_connection_is_served(echo: MakeEcho) -> None:
    with gevent_socket.create_connection(("127.0.0.1", echo().port), timeout=10) as sock:
        sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        data = b""
        while not data.endswith(b"ready"):
            data += sock.recv(65_536)
        sock.sendall(HANDSHAKE)
        assert sock.recv(65_536) == SWITCHED
        sock.sendall(encode(TEXT, b"on"))
        assert sock.recv(65_536) == b"\x81\x02on"


def test_the_end_of_the_handshakes_request_is_no_error_to_gunicorn(echo: MakeEcho) -> None:
    server = echo("--log-level", "warning")
    with Client(server.url, path="/") as client:
        client.send({"a": 1})
        assert client.event() == {"a": 1}
    said = server.log.read_text()
    assert "Traceback" not in said
    assert "ERROR" not in said


def test_a_handshake_that_is_refused_leaves_the_connection_usable(echo: MakeEcho) -> None:
    with gevent_socket.create_connection(("127.0.0.1", echo().port), timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(65_536).startswith(b"HTTP/1.1 ")


def test_gunicorn_gives_back_what_it_read_too_much() -> None:
    unreader = Unreader()
    unreader.unread(b"early")
    assert unreader.take_buffered() == b"early"
    assert unreader.take_buffered() == b""
    assert Body(reader := LengthReader(unreader, 0)).reader is reader
    assert reader.unreader is unreader


def test_the_worker_overrides_methods_that_exist() -> None:
    for name in ("run", "handle_exit", "handle_request", "notify", "handle"):
        assert callable(getattr(GeventWorker, name))
    assert "max_accept" in dir(StreamServer)


def test_gevent_lets_go_of_a_detached_socket() -> None:
    ours, peer = tcp_pair()
    ours.settimeout(0.01)
    with pytest.raises(TimeoutError):
        ours.recv(1)
    fd = ours.detach()
    watcher = gevent.get_hub().loop.io(fd, 1)
    seen = gevent.event.Event()
    watcher.start(seen.set)
    peer.sendall(b"x")
    assert seen.wait(5)
    watcher.close()
    gevent_socket.socket(fileno=fd).close()
    peer.close()


def test_gevent_does_not_replace_reading_and_writing_of_descriptors() -> None:
    assert os.read.__module__ == os.write.__module__ == "posix"


def test_flask_sock_still_keeps_its_app_and_blueprint_where_we_look() -> None:
    source = inspect.getsource(flask_sock.Sock)
    assert "self.bp" in source
    assert "self.app" in source


@pytest.mark.parametrize("run", ["flask", "threads"])
def test_werkzeugs_development_server_works_too(tmp_path: Path, run: str) -> None:
    server = Server(tmp_path, {**os.environ}, ready_path="/readyz")
    commands = {
        "flask": ("-m", "flask", "--app", "tests.conformance.dev_app", "run", "--port", str(server.port)),
        "threads": ("-m", "tests.conformance.dev_app", str(server.port)),
    }
    server.argv = (sys.executable, *commands[run])
    server.start()
    expected = SWITCHED + b"\x81\x05early"
    assert converse(server.port, HANDSHAKE + encode(TEXT, b"early"), expected) == expected
    server.close()
    assert "Traceback" not in server.log.read_text()


def test_the_configuration_does_not_import_the_app() -> None:
    code = (
        "import runpy, sys; runpy.run_path('gunicorn.conf.py'); "
        "assert not [name for name in sys.modules if name.startswith('zgpt')]"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_worker_class_loads_without_the_app() -> None:
    code = (
        "import sys, zgpt.realtime.worker; "
        "assert not {'flask', 'sqlalchemy', 'psycopg', 'structlog', 'zgpt.core.config'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


PATCHED = """
import sys
from importlib import metadata
from gevent import socket as gevent_socket
from zgpt.realtime.worker import Worker

read, asked = [], metadata.entry_points
metadata.entry_points = lambda **which: (read.append(which), asked(**which))[1]
counting = metadata.entry_points
worker = Worker.__new__(Worker)
worker.sockets = []
worker.patch()
assert metadata.entry_points is counting and read == [{}], read
assert sys.modules["gevent_plugin"].heard
import socket
assert socket.socket is gevent_socket.socket
"""


def test_the_patch_reads_the_installed_packages_once_and_plugins_of_gevent_hear_of_it(tmp_path: Path) -> None:
    (tmp_path / "gevent_plugin.py").write_text("heard = []\n")
    about = tmp_path / "gevent_plugin-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: gevent-plugin\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[gevent.plugins.monkey.did_patch_all]\nhear = gevent_plugin:heard.append\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    done = subprocess.run([sys.executable, "-c", PATCHED], cwd=ROOT, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
