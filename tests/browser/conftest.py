"""One browser and one server for the whole run, and as many devices as a story needs."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.conftest import MakeServer
from tests.support.browser import FLAGS, find_chromium
from tests.support.device import LOOK_TIMEOUT_MS, Device
from tests.support.served import served
from tests.support.server import Server
from tests.support.wayside import Wayside

PERMISSIONS = ["clipboard-read", "clipboard-write"]
MakeDevice = Callable[..., Device]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real Chromium without a window."""
    found = find_chromium()
    with sync_playwright() as playwright:
        env: dict[str, str | float | bool] = {**os.environ, **found.env}
        browser = playwright.chromium.launch(executable_path=found.program, args=list(FLAGS), env=env)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Server]:
    """A running server whose model says what the message tells it to; it must stay alive."""
    with served(tmp_path_factory.mktemp("house"), sqlite_template, LLM_TITLES="true") as (server, _):
        yield server


@pytest.fixture
def mortal_house(server: MakeServer) -> Server:
    """A server of this story's own, to be killed."""
    return server()


@pytest.fixture
def email() -> str:
    """The address of somebody new."""
    return f"{uuid.uuid4().hex[:12]}@example.org"


@pytest.fixture
def device(chromium: Browser, house: Server) -> Iterator[MakeDevice]:
    """Open another device (``at`` another server); a story ends with no complaint of any page."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(at: Server | Wayside = house) -> Device:
        context = chromium.new_context(permissions=PERMISSIONS)
        context.set_default_timeout(LOOK_TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Security Policy" in said.text else None)
        page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
        return Device(page, at.url, faults)

    yield make
    for context in contexts:
        context.close()
    assert faults == []
