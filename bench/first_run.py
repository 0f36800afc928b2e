"""`.venv/bin/python -m bench.first_run`: a fresh clone in an empty home, `make run`, and a chat in a browser, timed.

Prints the seconds from the command to the page and to the first token on the screen, for the first start (downloads
included) and for a second one; then reloads the page in mid-answer and compares what is shown with what is stored.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.support.browser import FLAGS, find_chromium
from tests.support.device import Device
from tests.support.processes import free_port
from tests.support.server import responds

ROOT = Path(__file__).resolve().parents[1]
QUESTION = "Write a Python function that checks whether a word is a palindrome, and explain it."
PATIENCE_S = 600.0
STOP_S = 30.0
KEPT_ENV = ("PATH", "LANG", "PIP_", "SSL_", "UV_", "NODE_EXTRA")
"""What a machine says about itself; nothing that was installed for somebody."""


def main() -> None:
    """Measure, print, and clean up."""
    with tempfile.TemporaryDirectory() as folder:
        clone, home = Path(folder, "z-gpt"), Path(folder, "home")
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for name in ("first start, downloads included", "second start"):
            page_s, token_s = started(clone, home)
            print(f"{name}: page after {page_s:.1f} s, first token on the screen after {token_s:.1f} s", flush=True)


def started(clone: Path, home: Path) -> tuple[float, float]:
    """Seconds from `make run` to the page, and to the first token that a new person sees."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT_ENV)}
    began_s = time.monotonic()
    make = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env={**kept, "HOME": str(home), "PORT": str(port)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        while not responds(url + "/"):
            if make.poll() is not None or time.monotonic() - began_s > PATIENCE_S:
                raise SystemExit("make run did not serve the page")
            # A page that is not there yet can only be asked for again; a tenth of a second is what is measured here.
            time.sleep(0.1)
        page_s = time.monotonic() - began_s
        return page_s, chat(url, began_s)
    finally:
        os.killpg(make.pid, signal.SIGTERM)
        make.wait(STOP_S)


def chat(url: str, began_s: float) -> float:
    """Ask in a browser; the second of the first token. Then reload in mid-answer and compare byte by byte."""
    chromium = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.program, args=list(FLAGS), env={**os.environ, **chromium.env}
        )
        context = browser.new_context()
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        device = Device(context.new_page(), url, [])
        device.sign_up(f"{uuid.uuid4().hex[:10]}@example.org")
        device.send_message(QUESTION)
        device.page.wait_for_selector(".turn.assistant .turn-body:not(:empty)")
        token_s = time.monotonic() - began_s
        device.reload()
        _compare(device.page, device)
        browser.close()
    return token_s


def _compare(page: Page, device: Device) -> None:
    page.wait_for_selector(".turn.assistant:not(.streaming) .turn-actions", state="attached", timeout=60_000)
    shown = device.copy_answer()
    page.reload()
    page.wait_for_selector(".turn.assistant:not(.streaming) .turn-actions", state="attached", timeout=60_000)
    if not shown or shown != device.copy_answer():
        raise SystemExit("what was shown after a reload in mid-answer is not what is stored")
    print(f"  reloaded in mid-answer: {len(shown.encode())} bytes, as stored", flush=True)


if __name__ == "__main__":
    main()
