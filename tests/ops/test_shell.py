"""The web app's page and its service worker."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from zgpt.ops.shell import read_shell

SESSION = "/s/01900000-0000-7000-8000-000000000001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pwa = tmp_path / "pwa"
    for name in ("index.html", "sw.js", "app.js", "vendor/md.js", "core/.hidden", "types/api.d.ts", "icons/a.png"):
        (pwa / name).parent.mkdir(parents=True, exist_ok=True)
        (pwa / name).write_text(name)
    return pwa


@pytest.fixture
def shell_client(make_app: Callable[..., Flask], folder: Path) -> FlaskClient:
    app = make_app()
    app.static_folder = str(folder.parent)
    return app.test_client()


@pytest.mark.parametrize("path", ["/", SESSION])
def test_every_address_of_the_app_is_answered_with_its_page(shell_client: FlaskClient, path: str) -> None:
    answer = shell_client.get(path, buffered=True)
    assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/html", "index.html")
    assert "no-cache" in answer.headers["Cache-Control"]


def test_the_service_worker_begins_with_its_version_and_its_files(shell_client: FlaskClient) -> None:
    answer = shell_client.get("/sw.js")
    facts, source = answer.text.split(";\n", 1)
    shell = json.loads(facts.removeprefix("self.ZGPT_SHELL = "))
    assert source == "sw.js"
    assert shell["assets"] == ["/", "/static/pwa/app.js", "/static/pwa/icons/a.png", "/static/pwa/vendor/md.js"]
    assert len(shell["version"]) == 16
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("text/javascript", "no-cache")


@pytest.mark.parametrize("name", ["index.html", "sw.js", "app.js", "new.js"])
def test_the_version_changes_with_any_file(folder: Path, name: str) -> None:
    before = read_shell(folder).version
    (folder / name).write_text("changed")
    read_shell.cache_clear()
    assert read_shell(folder).version != before


def test_the_version_is_the_same_wherever_the_files_lie(folder: Path, tmp_path: Path) -> None:
    first = read_shell(folder).version
    folder.rename(tmp_path / "other")
    assert read_shell(tmp_path / "other").version == first


def test_every_file_that_the_worker_keeps_is_served(client: FlaskClient) -> None:
    facts = client.get("/sw.js").text.split(";\n", 1)[0].removeprefix("self.ZGPT_SHELL = ")
    for address in json.loads(facts)["assets"]:
        assert client.get(address, buffered=True).status_code == 200, address
