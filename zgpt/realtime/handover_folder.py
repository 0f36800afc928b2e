"""Where the processes of an instance on one machine find each other: their sockets, who is coming, whose turn it is.

Loaded by gunicorn's master too, so nothing of the app is imported. What is said over the sockets is in `handover_wire`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zlib import crc32

from zgpt.core import clock
from zgpt.realtime import descriptor

NAME: Final = "handover"
BOOT_S: Final = 60.0
"""Who was announced and has not come by then is not waited for. A start takes 2 s of CPU; four at once, beside four
that serve, on two cores that had other work too, took 28 s."""
ADDRESS_BYTES: Final = 100
"""`sun_path` has 104 bytes on macOS and 108 on Linux."""
_TURN: Final = "retiring.lock"
_turn: list[int] = []


def folder_of(instance_dir: str | Path | None = None) -> Path:
    """The folder of an instance; without one that of the environment, read as the settings are."""
    return Path(instance_dir or os.environ.get("INSTANCE_DIR") or "instance").expanduser().absolute() / NAME


def make(folder: Path) -> None:
    """Make it, for this user alone; raises OSError when it belongs to somebody else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to another user")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def socket_path(folder: Path) -> Path:
    """Where this process listens. Machines and containers that share a folder do not meet in it."""
    return folder / f"{host()}-{os.getpid()}.sock"


def sockets(folder: Path) -> list[Path]:
    """Where the other processes of this machine listen, or listened."""
    return [path for path in folder.glob(f"{host()}-*.sock") if path != socket_path(folder)]


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """A name of `path` that is short enough for a socket, while it is used; raises OSError where there is none."""
    if len(os.fsencode(path)) <= ADDRESS_BYTES:
        yield str(path)
        return
    if not Path("/proc/self/fd").is_dir():
        raise OSError(f"{path} is too long for a socket: choose a shorter INSTANCE_DIR")
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/{path.name}"
    finally:
        descriptor.close(fd)


def announce(folder: Path, master: int, age: int) -> Path | None:
    """Say, before the fork, that a worker is coming; None where that cannot be said: then nobody waits for it."""
    try:
        make(folder)
        path = folder / f"{host()}-{master}-{age}.coming"
        path.touch(mode=0o600)
    except OSError:
        return None
    return path


def coming(folder: Path) -> list[Path]:
    """Who was announced and has neither come nor failed yet."""
    return [path for path in folder.glob(f"{host()}-*.coming") if _is_awaited(path)]


def take_turn(folder: Path) -> bool:
    """Whether this process may retire: one at a time, until it has gone. Asking again is harmless."""
    if _turn:
        return True
    try:
        make(folder)
        fd = os.open(folder / _TURN, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        descriptor.close(fd)
        return False
    _turn.append(fd)
    return True


def _is_awaited(path: Path) -> bool:
    try:
        os.kill(int(path.stem.split("-")[1]), 0)
        return clock.now_ms() / 1_000 - path.stat().st_mtime < BOOT_S
    except (OSError, ValueError, IndexError):
        return False


def host() -> str:
    """This machine or container, in the names of files."""
    return f"{crc32(socket.gethostname().encode()):08x}"
