"""A Chromium whose every word is heard: pages note what must not happen, and the rest of the world is a canary."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Dialog, Page, WebSocket

from tests.support.browser import FLAGS, find_chromium
from tests.support.canary import Canary
from tests.support.device import LOOK_TIMEOUT_MS

WATCH = Path(__file__).with_name("watch.js")


@dataclass
class Watch:
    """A browser, and what has been heard of it: addresses asked for, frames and dialogs, as they came."""

    browser: Browser
    canary: Canary
    requests: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    navigations: list[str] = field(default_factory=list)

    def context(self) -> BrowserContext:
        """A device of its own, watched from its first page on."""
        context = self.browser.new_context()
        context.set_default_timeout(LOOK_TIMEOUT_MS)
        context.add_init_script(path=WATCH)
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("page", self._hear)
        return context

    def leaks(self, origin: str) -> list[str]:
        """Every address that was asked for outside `origin`."""
        return [url for url in self.requests if not url.startswith((f"{origin}/", f"{origin.replace('http', 'ws')}/"))]

    def _hear(self, page: Page) -> None:
        page.on("dialog", self._hear_dialog)
        page.on("pageerror", lambda error: self.faults.append(f"error {error}"))
        page.on("framenavigated", lambda frame: self.navigations.append(frame.url))
        page.on("websocket", self._hear_socket)

    def _hear_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _hear_socket(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda data: self.commands.append(str(json.loads(data)["type"])))


@contextmanager
def watching(chromium: Browser, *flags: str) -> Iterator[Watch]:
    """Another browser beside `chromium`, for which the rest of the world is one canary."""
    canary = Canary()
    found = find_chromium()
    flags = (*FLAGS, canary.resolver_rule, *flags)
    browser = chromium.browser_type.launch(executable_path=found.program, args=list(flags), env=_env(found.env))
    try:
        yield Watch(browser, canary)
    finally:
        browser.close()
        canary.close()


def _env(own: dict[str, str]) -> dict[str, str | float | bool]:
    return {**os.environ, **own}
