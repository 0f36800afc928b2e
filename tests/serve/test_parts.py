"""The parts of the supervisor that need no server: versions, exit statuses, lifelines, arguments."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.processes import free_port, polls
from zgpt.cli import main
from zgpt.core.config import load_settings
from zgpt.serve import database, screen
from zgpt.serve.child import answers, died_of
from zgpt.serve.plans import is_free, reachable_host

NAP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def test_the_newest_version_is_the_one_that_no_other_follows(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('revision = "1"\ndown_revision = None\n')
    (tmp_path / "b.py").write_text("revision: str = '2'\ndown_revision: str | None = '1'\n")
    assert database.newest_versions(tmp_path) == {"2"}


def test_only_a_database_of_the_newest_version_is_current(tmp_path: Path, sqlite_template: Path) -> None:
    settings = load_settings({"INSTANCE_DIR": str(tmp_path)})
    assert not database.is_current(settings)
    path = tmp_path / "zgpt.db"
    path.write_bytes(sqlite_template.read_bytes())
    assert database.is_current(settings)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'older'")
    connection.close()
    assert not database.is_current(settings)
    path.write_bytes(b"no database")
    assert not database.is_current(settings)


def test_a_database_elsewhere_is_always_asked(tmp_path: Path) -> None:
    assert not database.is_current(load_settings({"DATABASE_URL": "postgresql://h/db"}))


def test_an_exit_status_is_said_in_words() -> None:
    assert (died_of(3), died_of(-9), died_of(-15)) == ("exit status 3", "signal KILL", "signal TERM")


def test_a_port_is_free_until_somebody_listens_and_answers_only_with_200() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port)
    assert not answers("127.0.0.1", free_port(), "/healthz")


@pytest.mark.parametrize(("host", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.1", "10.0.0.1")])  # noqa: S104 - told, not bound
def test_a_server_on_all_addresses_is_reached_on_the_loopback_one(host: str, reached: str) -> None:
    assert reachable_host(host) == reached


def test_colours_are_for_terminals_only(capsys: pytest.CaptureFixture[str]) -> None:
    screen.ready("there")
    screen.fault("broken")
    assert (capsys.readouterr().out, "\x1b" in capsys.readouterr().err) == ("there\n", False)


def test_an_unknown_command_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["dance"])
    assert caught.value.code == 2
    assert "serve" in capsys.readouterr().err


def nap_under_lifeline(platform: str, parent_pid: int) -> subprocess.Popen[bytes]:
    """A sleeping program behind the lifeline, told that it runs on this platform."""
    code = f"import sys; sys.platform = {platform!r}; from zgpt.serve.lifeline import main; main()"
    argv = [sys.executable, "-c", code, str(parent_pid), str(int(signal.SIGTERM)), *NAP]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_without_the_kernels_help_the_end_of_the_pipe_ends_the_program() -> None:
    nap = nap_under_lifeline("darwin", os.getpid())
    assert nap.stdout is not None
    assert nap.stdin is not None
    assert nap.stdout.readline() == b"up\n"
    (watcher,) = psutil.Process(nap.pid).children()
    nap.stdin.close()
    assert nap.wait(10) == -signal.SIGTERM
    assert any(not watcher.is_running() or watcher.status() == psutil.STATUS_ZOMBIE for _ in polls(10))
    nap.stdout.close()


def test_the_watcher_goes_with_its_program_once_the_pipe_ends() -> None:
    nap = nap_under_lifeline("darwin", os.getpid())
    assert nap.stdout is not None
    assert nap.stdin is not None
    assert nap.stdout.readline() == b"up\n"
    (watcher,) = psutil.Process(nap.pid).children()
    nap.kill()
    nap.wait(10)
    nap.stdin.close()
    assert any(not watcher.is_running() for _ in polls(10))
    nap.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_a_parent_that_is_gone_already_keeps_the_program_from_starting() -> None:
    nap = nap_under_lifeline("linux", parent_pid=1)
    assert nap.wait(10) == 1
    for pipe in (nap.stdin, nap.stdout):
        assert pipe is not None
        pipe.close()
