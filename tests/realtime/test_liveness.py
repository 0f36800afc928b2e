"""Who of this machine has died."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import Mock

import pytest

from zgpt.core import clock
from zgpt.realtime import handover_folder, liveness

HOLDER = """
import sys
from pathlib import Path
from zgpt.realtime import liveness
liveness.hold(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process, called `other`, that holds its lock."""
    argv = [sys.executable, "-c", HOLDER, str(tmp_path), "other"]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_process_that_was_killed_is_known_to_be_dead_at_once(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    assert liveness.dead(tmp_path, ["other"]) == set()
    holder.kill()
    holder.wait()
    assert liveness.dead(tmp_path, ["other", "unheard-of"]) == {"other"}


def test_a_frozen_process_is_not_dead(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    os.kill(holder.pid, signal.SIGSTOP)
    assert liveness.dead(tmp_path, ["other"]) == set()
    os.kill(holder.pid, signal.SIGCONT)


def test_asking_does_not_look_like_living(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.wait()
    assert [liveness.dead(tmp_path, ["other"]) for _ in range(2)] == [{"other"}] * 2


def test_a_death_that_everybody_has_noticed_is_forgotten(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    holder.kill()
    holder.wait()
    for name in ("next", "a second"):
        liveness.hold(tmp_path, name)
        assert liveness.dead(tmp_path, ["other"]) == {"other"}
    with clock.moved(liveness.NOTICED_S + 1):
        liveness.hold(tmp_path, "one more")
    assert liveness.dead(tmp_path, ["other", "next"]) == set()
    liveness.let_go()
    assert liveness.dead(tmp_path, ["next"]) == {"next"}


def test_without_a_folder_of_its_own_only_the_lease_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    liveness.hold(tmp_path / "file", "somebody")
    assert liveness.dead(tmp_path / "file", ["somebody"]) == set()
    assert handover_folder.host()


def test_a_process_that_is_asked_about_while_it_comes_is_not_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def asked_meanwhile(fd: int, how: int) -> None:
        if not how & fcntl.LOCK_EX:
            return lock(fd, how)
        with ExitStack() as asking:
            for path in tmp_path.glob("*.alive"):
                lock(asking.enter_context(path.open()), fcntl.LOCK_SH | fcntl.LOCK_NB)
            return lock(fd, how)

    monkeypatch.setattr(fcntl, "flock", asked_meanwhile)
    liveness.hold(tmp_path, "coming")
    assert liveness.dead(tmp_path, ["coming"]) == set()
    liveness.let_go()


def test_where_no_lock_can_be_had_nobody_is_taken_for_dead_and_nothing_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without, contextlib.closing(os.scandir("/proc/self/fd")) as before:
        without.setattr(fcntl, "flock", Mock(side_effect=OSError("no locks here")))
        opened = len(list(before))
        liveness.hold(tmp_path, "somebody")
        with os.scandir("/proc/self/fd") as after:
            assert len(list(after)) == opened
    assert liveness.dead(tmp_path, ["somebody"]) == set()
    assert list(tmp_path.iterdir()) == []


def test_the_death_of_one_that_lived_long_is_not_forgotten_at_once(
    tmp_path: Path, holder: subprocess.Popen[bytes]
) -> None:
    holder.kill()
    holder.wait()
    with clock.moved(liveness.NOTICED_S + 1):
        liveness.hold(tmp_path, "next")
        assert liveness.dead(tmp_path, ["other"]) == {"other"}
    liveness.let_go()
