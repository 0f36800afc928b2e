"""`zgpt serve` as a child of a test, with what it printed and the processes it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.processes import free_port, polls, spawn, stop, tail
from tests.support.server import ROOT, responds, server_env

START_TIMEOUT_S = 90.0
SERVE = (sys.executable, "-m", "zgpt", "serve")


class Serve:
    """One `zgpt serve`; `close` leaves nothing behind."""

    def __init__(self, folder: Path, **env: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = env.get("PORT") or str(free_port())
        self.env = server_env({"INSTANCE_DIR": str(folder / "instance"), **env, "PORT": self.port})
        self.log = folder / "serve.log"
        self.process: subprocess.Popen[bytes] = spawn(SERVE, self.log, env=self.env, cwd=ROOT)
        self.seen: list[psutil.Process] = []

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_said(self, words: str, timeout_s: float = START_TIMEOUT_S, times: int = 1) -> str:
        """Wait until it has printed this so often; the last line with it."""
        for _ in polls(timeout_s):
            lines = [line for line in self.said.splitlines() if words in line]
            if len(lines) >= times:
                self.family()
                return lines[-1]
            assert self.process.poll() is None, tail(self.log)
        raise AssertionError(f"it did not say {words!r}:\n{tail(self.log)}")

    def wait_ready(self) -> None:
        self.wait_said("is ready: ")
        assert responds(f"{self.url}/healthz")

    def family(self) -> list[psutil.Process]:
        """All processes under it that run now."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        self.seen += [process for process in found if process not in self.seen]
        return found

    def child(self, words: str) -> psutil.Process:
        """The child with these words in its command line."""
        (found,) = [
            process for process in psutil.Process(self.process.pid).children() if words in " ".join(process.cmdline())
        ]
        return found

    def survivors(self, timeout_s: float) -> list[psutil.Process]:
        """Who of the processes ever seen is still there after this time at most."""
        _, alive = psutil.wait_procs(self.seen, timeout=timeout_s)
        return list(alive)

    def end(self, signum: int = signal.SIGTERM) -> int:
        """Send a signal; the exit status."""
        self.family()
        os.kill(self.process.pid, signum)
        return self.process.wait(40)

    def close(self) -> None:
        if self.process.poll() is None:
            self.family()
            stop(self.process)
        for process in self.survivors(0):
            process.kill()


def run_once(folder: Path, **env: str) -> tuple[int, str]:
    """A `zgpt serve` that is expected to end by itself: its status and what it printed."""
    serve = Serve(folder, **env)
    try:
        return serve.process.wait(START_TIMEOUT_S), re.sub(r"\x1b\[\d+m", "", serve.said)
    finally:
        serve.close()
