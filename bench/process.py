"""A server process under measurement: started on its own CPU, and asked for its CPU time and its unique memory."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from bench.redis_process import Usage

START_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 5.0
SETTLE_S = 3.0
"""From a worker's first line to its first request: it loads the app in between."""
KIB = 1024


@dataclass(frozen=True, slots=True)
class Cpus:
    """Which CPU the server has and which one the upstream and the client share; empty where nothing can be pinned."""

    server: frozenset[int]
    load: frozenset[int]

    @classmethod
    def choose(cls) -> Cpus:
        """The first two CPUs that this process may use."""
        if not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2:
            return cls(frozenset(), frozenset())
        first, second = sorted(os.sched_getaffinity(0))[:2]
        return cls(frozenset({first}), frozenset({second}))


def pin(cpus: frozenset[int]) -> None:
    """Bind this process (and its children to come) to these CPUs, where the system can."""
    if cpus:
        os.sched_setaffinity(0, cpus)


@contextlib.contextmanager
def pinned(cpus: frozenset[int]) -> Iterator[None]:
    """Start children within it: they inherit the binding, with every thread that they make."""
    if not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    pin(cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A TCP port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """A started server and all its children; a context manager that ends them."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], port: int, log: Path, cpus: frozenset[int], cwd: Path
    ) -> None:
        """Returns when the port accepts; RuntimeError with the log's end when it does not within 40 s."""
        self.port, self.log = port, log
        self.beside: Callable[[], Usage] | None = None
        self.used_beside: Usage | None = None
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
        with log.open("ab") as output, pinned(cpus):
            self._popen = subprocess.Popen(
                argv, env={**kept, **env}, cwd=cwd, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        self._wait_ready()
        self._tree = [psutil.Process(self._popen.pid), *psutil.Process(self._popen.pid).children(recursive=True)]

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._popen.poll() is None:
            if accepts(self.port):
                return
            # A port tells nobody that somebody begins to listen on it.
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the server did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def cpu_s(self) -> float:
        """CPU seconds (user and system) that the server and its children have used so far."""
        return sum(times.user + times.system for times in (process.cpu_times() for process in self._tree))

    def unique_bytes(self) -> int:
        """Unique set size: memory that would be free if the server ended."""
        return sum(int(process.memory_full_info().uss) for process in self._tree)

    def read_beside(self) -> Usage | None:
        """What the service beside the server has done so far, if there is one."""
        return self.beside() if self.beside is not None else None

    def note_beside(self, before: Usage | None) -> None:
        """Keep what it has done since `before`."""
        if self.beside is not None and before is not None:
            self.used_beside = self.beside().since(before)

    def await_children(self, count: int) -> None:
        """Return when so many workers were started and had time to load; RuntimeError when not within 40 s."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while len(psutil.Process(self._popen.pid).children()) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"not {count} workers:\n{self.log.read_text(errors='replace')[-3000:]}")
            # Nor does a process tell others of its children; what they load, they say nowhere (SETTLE_S).
            time.sleep(0.1)
        time.sleep(SETTLE_S)
        self.refresh()

    def refresh(self) -> None:
        """Look again for children: workers that were started after the port was open."""
        root = psutil.Process(self._popen.pid)
        self._tree = [root, *root.children(recursive=True)]

    def stop(self) -> None:
        """SIGTERM to the group, SIGKILL to what is left."""
        for signum in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(STOP_TIMEOUT_S)

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def accepts(port: int) -> bool:
    """Whether somebody accepts connections on this port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
