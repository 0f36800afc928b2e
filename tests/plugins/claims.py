"""Lets several pytest processes share one run: each takes the next file that no other took. It starts no process.

Every process collects everything. The tests of a file stay together, in their order, with their fixtures; those marked
``alone`` come last, and run while no other process runs any.
"""

import fcntl
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

File = list[pytest.Item]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--claims FOLDER``: empty at first, and the same for all processes of the run."""
    parser.addoption("--claims", type=Path, required=True)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """As pytest's own, but for the files of others; a failed collection is left to pytest."""
    folder: Path = session.config.getoption("claims")
    if session.testsfailed:
        return None
    files = _claimed(session.items, folder)
    file = next(files, [])
    while file:
        with turn(folder / "turn", alone=_is_alone(file[0])):
            file = _run(session, file, files)
    return True


def _run(session: pytest.Session, file: File, files: Iterator[File]) -> File:
    """Run one file; returns the next, which the last test is told, for it decides which fixtures end."""
    following: File = []
    for item, successor in itertools.zip_longest(file, file[1:]):
        if successor is None:
            following = next(files, [])
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=successor or next(iter(following), None))
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
    return following


def _claimed(items: list[pytest.Item], folder: Path) -> Iterator[File]:
    """The files that this process is the first to ask for."""
    files: dict[tuple[bool, str], File] = {}
    for item in items:
        files.setdefault((_is_alone(item), item.nodeid.partition("::")[0]), []).append(item)
    for (alone, path), file in sorted(files.items(), key=lambda entry: entry[0][0]):
        try:
            (folder / f"{path.replace('/', '.')}-{alone}").touch(exist_ok=False)
        except FileExistsError:
            continue
        yield file


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


@contextmanager
def turn(path: Path, *, alone: bool) -> Iterator[None]:
    """Wait for it, beside the others or with none of them."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
