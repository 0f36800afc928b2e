"""How the server exits, with real gunicorn: at once, in words to every socket, and without cutting a request."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace

import gevent
import psutil
import pytest
from gunicorn.errors import ConfigError

from tests.conformance.conftest import MakeEcho
from tests.support.processes import ServiceError, polls, tail
from tests.support.server import ROOT, Server, responds
from tests.support.ws_client import Client, Closed
from zgpt.realtime.worker import Worker

# Far below `graceful_timeout` (20 s), and far above what a busy machine takes.
SOON_S = 8.0
# Two starts on a machine that has other work.
STARTS_S = 40.0
TOLD = (1012, '{"retry_after_ms":100}')
OpenSocket = Callable[[Server], Client]


@pytest.fixture
def open_socket() -> Iterator[OpenSocket]:
    """Open a socket, which has been served once then; all are closed at the end."""
    with ExitStack() as opened:

        def make(server: Server) -> Client:
            client = opened.enter_context(Client(server.url, path="/"))
            client.send({"type": "hello"})
            assert client.event() == {"type": "hello"}
            return client

        yield make


@pytest.fixture
def connect() -> Iterator[Callable[[Server], HTTPConnection]]:
    """Make connections for HTTP; all are closed at the end."""
    with ExitStack() as opened:
        yield lambda server: opened.enter_context(closing(HTTPConnection("127.0.0.1", server.port, timeout=SOON_S)))


def how(end: Closed) -> tuple[int, str]:
    return end.code, end.reason


def get(connection: HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


def workers(server: Server) -> list[int]:
    return [child.pid for child in psutil.Process(server.pid).children()]


def await_line(server: Server, words: str, times: int) -> None:
    for _ in polls(STARTS_S):
        if server.log.read_text().count(words) >= times:
            return
    raise AssertionError(f"{words!r} was not logged {times} times:\n{tail(server.log)}")


def test_sigterm_tells_every_socket_when_to_come_back_and_exits_soon(echo: MakeEcho, open_socket: OpenSocket) -> None:
    server = echo()
    clients = [open_socket(server) for _ in range(20)]
    started = time.monotonic()
    server.signal(signal.SIGTERM)
    assert {how(client.wait_closed(SOON_S)) for client in clients} == {TOLD}
    assert server.wait(SOON_S) == 0
    assert time.monotonic() - started < SOON_S


def test_a_socket_that_does_not_answer_does_not_hold_the_exit(echo: MakeEcho, open_socket: OpenSocket) -> None:
    server = echo()
    with open_socket(server).detach():
        server.signal(signal.SIGTERM)
        assert server.wait(SOON_S) == 0


def test_a_request_that_runs_is_answered_and_new_ones_are_not_taken(
    echo: MakeEcho, connect: Callable[[Server], HTTPConnection]
) -> None:
    server = echo()
    asking = gevent.spawn(get, connect(server), "/slow")
    gevent.sleep(0.3)
    server.signal(signal.SIGTERM)
    gevent.sleep(0.3)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    assert server.wait(SOON_S) == 0
    assert asking.get(timeout=SOON_S) == b"done"


def test_an_idle_keep_alive_connection_does_not_hold_the_exit(
    echo: MakeEcho, connect: Callable[[Server], HTTPConnection]
) -> None:
    server = echo("--keep-alive", "60")
    assert get(connect(server), "/readyz") == b"ready"
    server.signal(signal.SIGTERM)
    assert server.wait(SOON_S) == 0


def test_a_drain_that_hangs_is_left_before_the_master_kills(echo: MakeEcho, open_socket: OpenSocket) -> None:
    server = echo("--graceful-timeout", "4", ECHO_STUCK_DRAIN="1")
    client = open_socket(server)
    server.signal(signal.SIGTERM)
    assert how(client.wait_closed(SOON_S)) == TOLD
    assert server.wait(SOON_S) == 0
    assert "exit with" in tail(server.log)
    assert "SIGKILL" not in tail(server.log)


def test_after_max_requests_the_sockets_are_told_and_a_new_worker_serves(
    echo: MakeEcho, open_socket: OpenSocket
) -> None:
    server = echo("--max-requests", "8")
    client = open_socket(server)
    gone = workers(server)
    for _ in range(8):
        responds(server.url + "/readyz")
    assert how(client.wait_closed(SOON_S)) == TOLD
    # The two live side by side for a moment: the successor is there before anybody is told.
    for _ in polls(SOON_S):
        if set(workers(server)).isdisjoint(gone):
            break
    assert set(workers(server)).isdisjoint(gone)
    assert responds(server.url + "/readyz")


def test_a_reload_tells_the_sockets_and_a_new_worker_serves(echo: MakeEcho, open_socket: OpenSocket) -> None:
    server = echo()
    client = open_socket(server)
    server.signal(signal.SIGHUP)
    assert how(client.wait_closed(SOON_S)) == TOLD
    open_socket(server).close()


def test_a_full_stop_in_the_middle_of_a_reload_waits_for_nobody_who_comes(
    echo: MakeEcho, open_socket: OpenSocket
) -> None:
    server = echo("--graceful-timeout", "4")
    client = open_socket(server)
    (server.folder / "boot").write_text("slow")
    server.signal(signal.SIGHUP)
    await_line(server, "Booting worker", 2)
    server.signal(signal.SIGTERM)
    assert how(client.wait_closed(SOON_S)) == TOLD
    assert server.wait(SOON_S) == 0


def test_a_worker_that_cannot_start_is_started_again_until_it_can(echo: MakeEcho) -> None:
    server = echo()
    (server.folder / "boot").write_text("broken")
    (only,) = workers(server)
    os.kill(only, signal.SIGKILL)
    await_line(server, "worker failed to boot", 2)
    (server.folder / "boot").unlink()
    for _ in polls(STARTS_S):
        if responds(server.url + "/readyz"):
            break
    assert responds(server.url + "/readyz")


def test_a_server_whose_first_worker_cannot_start_ends(echo: MakeEcho, tmp_path: Path) -> None:
    (tmp_path / "echo-0").mkdir()
    (tmp_path / "echo-0" / "boot").write_text("broken")
    with pytest.raises(ServiceError, match="this version does not start"):
        echo()


def test_a_worker_without_a_master_says_goodbye_and_goes(echo: MakeEcho, open_socket: OpenSocket) -> None:
    server = echo()
    client = open_socket(server)
    (orphan,) = [psutil.Process(pid) for pid in workers(server)]
    server.signal(signal.SIGKILL)
    assert how(client.wait_closed(SOON_S)) == TOLD
    orphan.wait(timeout=SOON_S)


def test_websockets_do_not_fill_the_pool_of_requests(echo: MakeEcho, open_socket: OpenSocket) -> None:
    server = echo("--worker-connections", "2")
    for _ in range(6):
        open_socket(server)
    assert responds(server.url + "/readyz")


def test_two_workers_serve_one_address(echo: MakeEcho, open_socket: OpenSocket) -> None:
    server = echo(WEB_CONCURRENCY="2")
    assert len(workers(server)) == 2
    for _ in range(8):
        open_socket(server).close()


def test_every_line_of_the_log_is_json(echo: MakeEcho, open_socket: OpenSocket) -> None:
    server = echo()
    open_socket(server).close()
    server.signal(signal.SIGTERM)
    server.wait(SOON_S)
    events = [json.loads(line)["event"] for line in server.log.read_text().splitlines()]
    assert "connection_closed" in events
    assert "drain_callback_failed" in events
    assert any(event.startswith("Listening at") for event in events)


def test_tls_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match="proxy"):
        Worker.check_config(SimpleNamespace(is_ssl=True), None)
    Worker.check_config(SimpleNamespace(is_ssl=False), None)


def test_a_server_that_should_speak_tls_does_not_start() -> None:
    tls = ("--certfile", "pyproject.toml", "--keyfile", "pyproject.toml")
    argv = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "-b", "127.0.0.1:0", *tls, "zgpt.app:app")
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, check=False, timeout=30)
    assert done.returncode != 0
    assert b"TLS ends at the proxy" in done.stdout + done.stderr
