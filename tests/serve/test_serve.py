"""`zgpt serve`, whole: real gunicorn, real model, real signals."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.model_process import ModelServer
from tests.support.processes import polls
from tests.support.server import responds
from zgpt.core import clock
from zgpt.llm.base import Prompt, Turn
from zgpt.llm.complete import complete
from zgpt.llm.local import LocalProvider, read_address

from .running import Serve, run_once

Start = Callable[..., Serve]
SECOND_START_S = 5.0
GONE_S = 15.0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[Serve] = []

    def make(**env: str) -> Serve:
        made.append(Serve(tmp_path, **env))
        return made[-1]

    yield make
    for serve in made:
        serve.close()


@pytest.fixture
def remote(model_server: ModelServer) -> dict[str, str]:
    """Settings for a scripted model server: without the built-in model a start is lighter."""
    return {"LLM_BASE_URL": model_server.url}


@pytest.mark.timeout(240)
def test_it_makes_everything_serves_the_page_and_brings_a_killed_model_back(start: Start) -> None:
    serve = start()
    line = serve.wait_said("is ready: ")
    assert line.startswith(f"Z-GPT is ready: {serve.url}")
    assert responds(f"{serve.url}/readyz")
    serve.wait_said("The model is ready")
    instance = serve.folder / "instance"
    before = read_address(instance)
    serve.child("local_server").kill()
    serve.wait_said("The model ended (signal KILL)")
    serve.wait_said("The model is ready", times=2)
    assert read_address(instance) == before
    assert complete(LocalProvider(instance, 5.0), Prompt((Turn("user", "Hi"),), 3, 0.0), 60.0)
    assert serve.end() == 0
    assert serve.survivors(GONE_S) == []


@pytest.mark.timeout(240)
def test_a_second_start_serves_within_five_seconds_and_migrates_nothing(start: Start, remote: dict[str, str]) -> None:
    first = start(**remote)
    first.wait_ready()
    assert "brought up to date" in first.said
    assert first.end(signal.SIGINT) == 0
    printed = len(first.said)
    began_s = clock.monotonic()
    second = start(**remote)
    for _ in polls(60):
        if responds(f"{second.url}/healthz"):
            break
    took_s = clock.monotonic() - began_s
    load_per_core = os.getloadavg()[0] / (os.cpu_count() or 1)
    assert took_s < SECOND_START_S * max(1.0, load_per_core), f"{took_s:.1f} s"
    assert "brought up to date" not in second.said[printed:]


@pytest.mark.timeout(240)
def test_killing_the_parent_leaves_nobody_and_the_next_start_waits_for_that(start: Start) -> None:
    serve = start()
    serve.wait_ready()
    serve.wait_said("The model is ready")
    assert len(serve.family()) >= 3
    os.kill(serve.process.pid, signal.SIGKILL)
    serve.process.wait(5)
    again = start(PORT=serve.port)
    again.wait_said("is ready: ", times=2)
    assert serve.survivors(GONE_S) == []


@pytest.mark.timeout(240)
def test_a_killed_server_is_started_again_on_its_port(start: Start, remote: dict[str, str]) -> None:
    serve = start(**remote)
    serve.wait_ready()
    gunicorn = serve.child("gunicorn")
    gunicorn.kill()
    serve.wait_said("The server ended (signal KILL)")
    serve.wait_said("is ready: ", times=2)
    assert responds(f"{serve.url}/healthz")
    assert serve.child("gunicorn").pid != gunicorn.pid


@pytest.mark.timeout(240)
def test_hup_reloads_the_workers_and_keeps_the_master(start: Start, remote: dict[str, str]) -> None:
    serve = start(**remote)
    serve.wait_ready()
    gunicorn = serve.child("gunicorn")
    workers = {worker.pid for worker in gunicorn.children()}
    serve.process.send_signal(signal.SIGHUP)
    assert any(gunicorn.children() and not workers & {worker.pid for worker in gunicorn.children()} for _ in polls(60))
    assert any(responds(f"{serve.url}/healthz") for _ in polls(60))
    assert serve.process.poll() is None


@pytest.mark.timeout(240)
def test_a_second_server_on_the_same_directory_is_refused_in_words(start: Start, remote: dict[str, str]) -> None:
    serve = start(**remote)
    serve.wait_ready()
    other = Serve(serve.folder, PORT="0", **remote)
    try:
        assert other.process.wait(60) == 1
        assert f"Another Z-GPT (process {serve.process.pid}) runs on" in other.said
    finally:
        other.close()


def test_all_wrong_settings_are_told_at_once_with_status_2(tmp_path: Path) -> None:
    status, said = run_once(tmp_path, PORT="x", BCRYPT_COST="99", LLM_BASE_URL="ftp://x")
    assert status == 2
    assert all(f"- {name}" in said for name in ("PORT", "BCRYPT_COST", "LLM_BASE_URL"))


def test_several_workers_without_redis_are_refused_in_words(tmp_path: Path) -> None:
    status, said = run_once(tmp_path, WEB_CONCURRENCY="2")
    assert (status, "REDIS_URL" in said) == (2, True)


def test_a_port_in_use_is_told_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = run_once(tmp_path, PORT=str(port))
    assert (status, f"Port {port} on 127.0.0.1 is in use" in said) == (1, True)


def test_an_address_that_is_not_ours_is_told_in_words(tmp_path: Path) -> None:
    status, said = run_once(tmp_path, HOST="192.0.2.1")
    assert (status, "Nobody can listen on HOST=192.0.2.1" in said) == (1, True)


def test_a_database_that_cannot_be_reached_is_told_and_ends_the_start(tmp_path: Path, remote: dict[str, str]) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "zgpt.db").write_bytes(b"this is no database" * 100)
    status, said = run_once(tmp_path, **remote)
    assert (status, "not a database" in said) == (1, True)
