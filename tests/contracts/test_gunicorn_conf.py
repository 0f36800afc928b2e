"""How gunicorn is configured: from the same environment as the app, and never brought down by it."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.server import ROOT
from zgpt.core.config import load_settings
from zgpt.core.engine import POOL_OVERFLOW

CONFIG = ROOT / "gunicorn.conf.py"
NAMES = (
    "HOST",
    "PORT",
    "WEB_CONCURRENCY",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "PROMETHEUS_MULTIPROC_DIR",
    "REDIS_URL",
    "DATABASE_URL",
)
TOGETHER = {"REDIS_URL": "redis://host", "DATABASE_URL": "postgresql://host/name"}


def conf(monkeypatch: pytest.MonkeyPatch, **env: str) -> dict[str, Any]:
    for name in NAMES:
        # Set first, so that it is put back: the configuration itself writes some of them.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    return runpy.run_path(str(CONFIG))


def test_it_listens_where_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert conf(monkeypatch)["bind"] == "127.0.0.1:8080"
    assert conf(monkeypatch, HOST="::1", PORT="9000")["bind"] == "[::1]:9000"


def test_counters_of_several_workers_meet_in_files_that_begin_empty(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    several = conf(monkeypatch, WEB_CONCURRENCY="2", INSTANCE_DIR=str(tmp_path))
    stale = tmp_path / "metrics" / "counter_1.db"
    stale.parent.mkdir()
    stale.touch()
    (tmp_path / "metrics" / "of somebody else").touch()
    several["on_starting"](SimpleNamespace(master_pid=1))
    assert stale.exists(), "those who count there live until the master that sent SIGUSR2 has ended them"
    several["on_starting"](SimpleNamespace(master_pid=0))
    assert [path.name for path in stale.parent.iterdir()] == ["of somebody else"]


def test_one_worker_needs_no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    conf(monkeypatch, INSTANCE_DIR=str(tmp_path))["on_starting"](SimpleNamespace(master_pid=0))
    assert list(tmp_path.iterdir()) == []


RELOADED = """
import runpy, sys
from types import SimpleNamespace
from unittest.mock import Mock
from gunicorn.config import Config

class Broken:
    def find_spec(self, name, path, target=None):
        if name == "zgpt.realtime.worker":
            raise SyntaxError("half written")

conf, cfg = runpy.run_path("gunicorn.conf.py"), Config()
cfg.set("worker_class", conf["worker_class"])
first = cfg.worker_class
server = SimpleNamespace(cfg=cfg, log=Mock(), worker_class=first)
conf["on_reload"](server)
second = server.worker_class
assert second is not first and second.__name__ == first.__name__
sys.meta_path.insert(0, Broken())
conf["on_reload"](server)
assert server.worker_class is second
assert sys.modules["zgpt.realtime.worker"].Worker is second
server.log.exception.assert_called_once()
"""


def test_a_reload_takes_the_worker_from_the_disk_and_keeps_the_one_before_when_that_is_broken() -> None:
    done = subprocess.run([sys.executable, "-c", RELOADED], cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


LOADED = """
import gc, runpy
conf = runpy.run_path("gunicorn.conf.py")
conf["post_fork"](None, None)
assert not gc.isenabled()
conf["post_worker_init"](None)
assert gc.isenabled() and gc.get_freeze_count() > 1_000
"""


def test_a_worker_looks_for_garbage_as_soon_as_it_serves_and_never_in_what_it_has_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    ("env", "name", "value"),
    [({"WEB_CONCURRENCY": "many"}, "workers", 1), ({"LOG_LEVEL": "loud"}, "loglevel", "info")],
)
def test_nonsense_is_left_for_the_app_to_refuse(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], name: str, value: object
) -> None:
    assert conf(monkeypatch, **env)[name] == value


def test_the_log_is_for_people_when_they_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = conf(monkeypatch, LOG_FORMAT="console", LOG_LEVEL="DEBUG")
    assert chosen["logconfig_dict"]["handlers"]["stdout"]["formatter"] == "console"
    assert chosen["loglevel"] == "debug"


@pytest.mark.parametrize(
    ("cores", "env", "workers"),
    [
        (4, TOGETHER, 4),
        (64, TOGETHER, 6),
        (4, {**TOGETHER, "WEB_CONCURRENCY": "9"}, 9),
        (4, {**TOGETHER, "DATABASE_URL": "sqlite:///file"}, 1),
        (4, {"DATABASE_URL": "postgresql://host/name"}, 1),
        (4, {"REDIS_URL": "redis://host"}, 1),
    ],
)
def test_there_is_a_worker_per_core_where_they_can_work_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cores: int, env: dict[str, str], workers: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(cores)), raising=False)
    assert conf(monkeypatch, INSTANCE_DIR=str(tmp_path), **env)["workers"] == workers
    assert load_settings({**os.environ, "REDIS_URL": "redis://host"}).web_concurrency == workers


def test_six_workers_leave_postgresql_room_for_the_administrator() -> None:
    settings = load_settings({})
    assert 6 * (settings.database_pool_size + POOL_OVERFLOW) <= 97
