"""Child processes that never outlive the tests, and the free ports they listen on."""

import contextlib
import ctypes
import itertools
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

PR_SET_PDEATHSIG = 1
POLL_S = 0.02
STOP_TIMEOUT_S = 10.0
PORT_TIMEOUT_S = 15.0
UNPRIVILEGED_USERS = ("postgres", "nobody")
PORTS = range(20_000, 32_000)
"""Below those that kernels give to whoever asks for any: one of these stays free until its server listens."""
_turns = itertools.count(random.randrange(len(PORTS)))


class ServiceError(RuntimeError):
    """A service that the tests need did not start; the message says why and what to do."""


class Service(Protocol):
    """What is started for some tests, and ended after them."""

    def start(self) -> None: ...
    def close(self) -> None: ...


AnyService = TypeVar("AnyService", bound=Service)


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group a child runs as."""

    uid: int
    gid: int


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens right now; each call gives another one."""
    for _ in PORTS:
        port = PORTS[next(_turns) % len(PORTS)]
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise ServiceError(f"every port of {PORTS} is taken")


def unprivileged_account() -> Account | None:
    """Whom to run servers as that refuse root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise ServiceError("running as root and found neither of the users postgres and nobody")


def die_with_parent(signum: int) -> Callable[[], None] | None:
    """A hook that has the kernel end the child when its parent dies (Linux only)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signum)


def spawn(
    argv: Sequence[object],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    orphan_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own, with both of its outputs in ``log``."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=die_with_parent(orphan_signal),
        )


def run_as(account: Account | None, argv: Sequence[object]) -> str:
    """Run a command to its end and return what it printed; ServiceError when it fails."""
    try:
        done = subprocess.run(
            [str(part) for part in argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except OSError as error:
        raise ServiceError(f"{argv[0]} does not run: {error}") from error
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise ServiceError(f"{argv[0]} failed with {done.returncode}:\n{text[-2000:]}")
    return text


def stop(process: subprocess.Popen[bytes], signum: int = signal.SIGTERM) -> None:
    """End the child and its whole group: asked first, then killed."""
    signal_group(process, signum)
    try:
        process.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        signal_group(process, signal.SIGKILL)
        process.wait(timeout=STOP_TIMEOUT_S)


def signal_group(process: subprocess.Popen[bytes], signum: int) -> None:
    """Send a signal to every process of the child's group; a dead group is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signum)


@contextlib.contextmanager
def running(service: AnyService) -> Iterator[AnyService]:
    """Start it; it ends with the block, whatever happens in there."""
    try:
        service.start()
        yield service
    finally:
        service.close()


def printed_port(process: subprocess.Popen[bytes], log: Path, name: str) -> int:
    """The port that a child prints, and nothing else, once it serves there; ServiceError when it does not."""
    printed = ""
    for _ in polls(PORT_TIMEOUT_S):
        printed = log.read_text()
        if printed.endswith("\n") or process.poll() is not None:
            break
    if not printed.strip().isdigit():
        raise ServiceError(f"{name} did not start:\n{tail(log)}")
    return int(printed)


def polls(timeout_s: float) -> Iterator[float]:
    """Ticks until the time is over: for what can only be asked, not awaited."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        yield deadline - time.monotonic()
        # What is waited for here tells nobody of itself: it can only be asked again.
        time.sleep(POLL_S)


def tail(log: Path, size: int = 4000) -> str:
    """The end of a log file, for the message of a failure."""
    return log.read_text(errors="replace")[-size:] if log.exists() else "(no log)"
