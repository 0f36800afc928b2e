"""A real Chromium for the tests: named by CHROMIUM, found on the machine, or fetched.

Run as a program (``python -m tests.support.browser``) it fetches one where there is none. The
fixtures that open pages are in tests/browser/conftest.py.
"""

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.support.processes import ServiceError

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tests" / "browser"
UNPACKED = PACKAGE / "node_modules" / ".unpacked"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# The configuration that comes with the packed fonts looks for them in fixed places.
FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>{0}/fonts</dir><cachedir>{0}/cache</cachedir></fontconfig>
"""
MAC_PROGRAM = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# No sandbox: the tests may run as root, and only our own pages are opened. The rest keeps the
# browser from talking to anybody but the server under test.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class Chromium:
    """A program that can be started, and what it needs in its environment."""

    program: str
    env: dict[str, str] = field(default_factory=dict)


def find_chromium() -> Chromium:
    """The browser of this machine; ServiceError when there is none."""
    found = _given() or _on_the_machine() or _unpacked() or _of_playwright()
    if found is None:
        raise ServiceError("no Chromium: set CHROMIUM, install one, or run `make test`, which brings one")
    return found


def fetch_chromium() -> Chromium:
    """The browser of this machine, fetched when there is none."""
    if (_given() or _on_the_machine() or _unpacked() or _of_playwright()) is None:
        if sys.platform == "linux" and platform.machine() == "x86_64":
            _fetch_packed()
        else:
            _run(sys.executable, "-m", "playwright", "install", "chromium", "--only-shell")
    return find_chromium()


def _given() -> Chromium | None:
    given = os.environ.get("CHROMIUM")
    return Chromium(given) if given else None


def _on_the_machine() -> Chromium | None:
    for name in PROGRAMS:
        if found := shutil.which(name):
            return Chromium(found)
    return Chromium(str(MAC_PROGRAM)) if MAC_PROGRAM.exists() else None


def _unpacked() -> Chromium | None:
    program = UNPACKED / "chromium"
    if not program.exists():
        return None
    libraries = f"{UNPACKED / 'al2023' / 'lib'}:{UNPACKED}"
    return Chromium(str(program), {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_PATH": str(UNPACKED / "fonts")})


def _of_playwright() -> Chromium | None:
    with sync_playwright() as playwright:
        program = playwright.chromium.executable_path
    return Chromium(program) if Path(program).exists() else None


def _fetch_packed() -> None:
    binaries = Path(sys.prefix) / "bin"
    node = str(binaries / "node")
    npm = str((binaries / "npm").resolve())
    _run(node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    staging = UNPACKED.with_name(".unpacking")
    shutil.rmtree(staging, ignore_errors=True)
    _run(node, "unpack.mjs", str(staging))
    (staging / "fonts" / "fonts.conf").write_text(FONTS_CONF.format(UNPACKED / "fonts"))
    staging.rename(UNPACKED)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, cwd=PACKAGE, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServiceError(f"{' '.join(argv)} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    try:
        print(fetch_chromium().program)
    except ServiceError as error:
        sys.exit(f"{error}")
