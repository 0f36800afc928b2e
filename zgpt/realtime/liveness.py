"""Which processes of this machine have died: each holds a lock for life, and the kernel lets go of it at their death.

A frozen process still holds its lock, and one on another machine has none here: those are judged by their lease.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog

from zgpt.core import clock
from zgpt.realtime import descriptor, handover_folder

NOTICED_S: Final = 60.0
"""By then everybody has seen that the holder of a lock is gone, or has seen its lease expire."""
_held: Final[list[int]] = []
log = structlog.get_logger(__name__)


def hold(folder: Path, process_id: str) -> None:
    """Lock the file of this process until it dies; where that cannot be done, only its lease tells that it lives."""
    try:
        handover_folder.make(folder)
        _forget_the_dead(folder)
        _held.append(_locked(_path(folder, process_id)))
    except OSError as fault:
        log.warning("liveness_not_held", reason=str(fault))


def let_go() -> None:
    """What a death does."""
    while _held:
        descriptor.close(_held.pop())


def dead(folder: Path, process_ids: Iterable[str]) -> set[str]:
    """Those of them that lived on this machine and have died for sure."""
    return {process_id for process_id in process_ids if _is_unlocked(_path(folder, process_id))}


def _locked(path: Path) -> int:
    """The descriptor of a file that has its lock before it has its name: unlocked, it would tell of a death."""
    coming = path.with_suffix(".new")
    fd = os.open(coming, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        coming.rename(path)
    except OSError:
        descriptor.close(fd)
        coming.unlink(missing_ok=True)
        raise
    return fd


def _is_unlocked(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Shared, so that two who ask at once do not take each other for the one that lives.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        descriptor.close(fd)


def _forget_the_dead(folder: Path) -> None:
    """Take away the files of deaths that everybody has noticed; when one was first seen is kept in its file."""
    for path in folder.glob(_path(folder, "*").name):
        with contextlib.suppress(OSError):
            if _is_unlocked(path):
                _forget(path)


def _forget(path: Path) -> None:
    found = path.stat()
    if not found.st_size:
        path.write_text("dead")
    elif clock.now_ms() / 1_000 - found.st_mtime > NOTICED_S:
        path.unlink()


def _path(folder: Path, process_id: str) -> Path:
    return folder / f"{handover_folder.host()}-{process_id}.alive"
