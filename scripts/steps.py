"""How a set-up step runs: its progress lines, its stamp, and its faults in words."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMPS = VENV / "stamps"
SHOWN_LINES = 25


class StepError(Exception):
    """A step failed; the message is what the person who typed `make` reads."""


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of the set-up. It is done again when one of its ``inputs`` changed or its ``output`` is gone."""

    title: str
    inputs: tuple[str, ...]
    action: Callable[[], None]
    output: Path | None = None

    def run(self) -> None:
        """Do it if it is not done yet."""
        stamp = STAMPS / self.title.replace(" ", "-")
        digest = _digest(self.inputs)
        lost = self.output is not None and not self.output.exists()
        if stamp.exists() and stamp.read_text() == digest and not lost:
            return
        say(f"… {self.title}")
        begun = time.monotonic()
        self.action()
        STAMPS.mkdir(parents=True, exist_ok=True)
        stamp.write_text(digest)
        say(f"✓ {self.title} ({time.monotonic() - begun:.0f} s)")


def say(line: str) -> None:
    """Print one line of progress at once."""
    print(line, flush=True)


def command(argv: Sequence[object], env: Mapping[str, str] | None = None, hint: str = "") -> str:
    """Run a program quietly and return what it printed; StepError with its last words when it fails."""
    try:
        done = subprocess.run(  # nosec B603 # words of our own, and no shell
            [str(part) for part in argv],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise StepError(f"{argv[0]} does not run: {error}") from error
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        shown = "\n".join(text.splitlines()[-SHOWN_LINES:])
        raise StepError(f"{shown}\n\nThis failed: {' '.join(map(str, argv))}\n{hint}".rstrip())
    return text


def clear(folder: Path) -> None:
    """Remove a directory that may be half made."""
    shutil.rmtree(folder, ignore_errors=True)


def _digest(inputs: Sequence[str]) -> str:
    # A copied or moved environment is not the same environment.
    digest = hashlib.sha256(f"{sys.version_info[:2]} {VENV}".encode())
    for name in inputs:
        path = ROOT / name
        digest.update(path.read_bytes() if path.exists() else b"-")
    return digest.hexdigest()
