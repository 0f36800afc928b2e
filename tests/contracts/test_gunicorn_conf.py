"""How gunicorn is configured: from the same environment as the app, and never brought down by it."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import ROOT

CONFIG = ROOT / "gunicorn.conf.py"


def conf(monkeypatch: pytest.MonkeyPatch, **env: str) -> dict[str, Any]:
    for name in ("HOST", "PORT", "WEB_CONCURRENCY", "LOG_LEVEL", "LOG_FORMAT", "PROMETHEUS_MULTIPROC_DIR"):
        monkeypatch.delenv(name, raising=False)
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
    # Set first, so that it is put back: the configuration itself writes this variable.
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    several = conf(monkeypatch, WEB_CONCURRENCY="2", INSTANCE_DIR=str(tmp_path))
    stale = tmp_path / "metrics" / "counter_1.db"
    stale.parent.mkdir()
    stale.touch()
    several["on_starting"](None)
    assert stale.parent.is_dir()
    assert not stale.exists()


def test_one_worker_needs_no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    conf(monkeypatch, INSTANCE_DIR=str(tmp_path))["on_starting"](None)
    assert list(tmp_path.iterdir()) == []


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
