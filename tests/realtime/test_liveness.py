"""Who of this machine has died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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
    liveness.hold(tmp_path, "next")
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
