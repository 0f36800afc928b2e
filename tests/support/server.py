"""The server as it is run: gunicorn in a process of its own, with a directory of its own.

The clients that talk to it are elsewhere; this starts, kills and restarts it.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import ServiceError, free_port, polls, signal_group, spawn, stop, tail
from tests.support.web import fetched

ROOT = Path(__file__).resolve().parents[2]
GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
START_TIMEOUT_S = 30.0
KEPT_ENV = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "COVERAGE_PROCESS_CONFIG", "VIRTUAL_ENV")
EXPOSING = ("HOST", "PUBLIC_URL", "HTTPS", "TRUSTED_PROXIES")
"""With one of these others may reach the server: it does not start with cheaper hashes than `EXPOSED_BCRYPT_COST`."""
EXPOSED_BCRYPT_COST = "10"
# Tests make many accounts and send many messages from one address.
RELAXED = {
    "BCRYPT_COST": "4",
    "LIMIT_SIGNUP": "100000 per minute",
    "LIMIT_LOGIN": "100000 per minute",
    "LIMIT_MESSAGES": "100000 per minute",
    "LIMIT_REQUESTS": "1000000 per minute",
    "LIMIT_COMMANDS": "1000000 per minute",
    "QUOTA_RUNS": "0",
    "MAX_CONNECTIONS_PER_USER": "20000",
}


@dataclass(slots=True)
class Server:
    """One running server. ``restart`` keeps its port, its directory and its settings."""

    folder: Path
    env: dict[str, str]
    argv: Sequence[str] = GUNICORN
    ready_path: str = "/readyz"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the web app and the REST API are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Where the WebSocket is."""
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def pid(self) -> int:
        """The process that was started: gunicorn's master, or ``zgpt serve``."""
        if self.process is None:
            raise ServiceError("the server was not started")
        return self.process.pid

    @property
    def log(self) -> Path:
        """The file with everything the server printed, over all its restarts."""
        return self.folder / "server.log"

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start it and return when it says that it is ready."""
        env = {**self.env, "PORT": str(self.port), "INSTANCE_DIR": str(self.folder)}
        self.process = spawn(self.argv, self.log, env=env, cwd=ROOT)
        for _ in polls(timeout_s):
            if self.process.poll() is not None or responds(self.url + self.ready_path):
                break
        if not responds(self.url + self.ready_path):
            self.close()
            raise ServiceError(f"the server did not get ready:\n{tail(self.log)}")

    def kill9(self) -> None:
        """End the master and its workers at once, without a goodbye."""
        if self.process is not None:
            signal_group(self.process, signal.SIGKILL)
            self.process.wait()

    def signal(self, signum: int) -> None:
        """Send a signal to the master alone, as an operator does."""
        os.kill(self.pid, signum)

    def wait(self, timeout_s: float) -> int:
        """Wait for the end of the master; returns its exit status."""
        if self.process is None:
            raise ServiceError("the server was not started")
        return self.process.wait(timeout=timeout_s)

    def restart(self, **env: str) -> None:
        """Start again after an end, with some settings changed."""
        self.close()
        self.env |= env
        self.start()

    def close(self) -> None:
        """End it as a service manager does; killed when it does not obey."""
        if self.process is not None:
            stop(self.process)


def responds(url: str) -> bool:
    """Whether a GET of this address is answered with 2xx now."""
    try:
        with fetched(url, 2) as answer:
            return 200 <= answer.status < 300
    except OSError:
        return False


def server_env(overrides: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server under test: nothing of the developer's own settings."""
    kept = {name: os.environ[name] for name in KEPT_ENV if name in os.environ}
    return {**kept, **relaxed(overrides)}


def relaxed(overrides: Mapping[str, str]) -> dict[str, str]:
    """These settings, with limits out of the way, and with password hashes as cheap as the server starts with."""
    exposed = any(name in overrides for name in EXPOSING)
    return {**RELAXED, **({"BCRYPT_COST": EXPOSED_BCRYPT_COST} if exposed else {}), **overrides}


def prepare_folder(folder: Path, sqlite_template: Path) -> None:
    """Make an instance directory whose database has its schema already."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(sqlite_template, folder / "zgpt.db")
