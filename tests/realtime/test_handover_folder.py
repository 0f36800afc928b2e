"""Where processes of one instance find each other, and who waits for whom."""

import fcntl
import os
import socket
import subprocess
from pathlib import Path

import pytest

from zgpt.core import clock
from zgpt.realtime import handover_folder as house

DEAD = 2**22 + 1
"""No process has this number: it is above what Linux gives out."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = house.folder_of(tmp_path)
    house.make(made)
    return made


@pytest.fixture(autouse=True)
def no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "_turn", [])


def test_it_is_for_this_user_alone(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    house.make(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = folder.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    with pytest.raises(PermissionError, match="another user"):
        house.make(folder)
    assert house.announce(folder, os.getpid(), 1) is None
    assert house.take_turn(folder), "what cannot be agreed on must not keep a worker from ending"


def test_it_is_found_as_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path))
    assert house.folder_of() == house.folder_of(tmp_path) == tmp_path / "handover"


def test_the_sockets_of_others_on_this_machine_are_found(folder: Path) -> None:
    own = house.socket_path(folder)
    other = own.with_name(own.name.replace(str(os.getpid()), "1"))
    for path in (own, other, folder / "elsewhere-1.sock"):
        path.touch()
    assert house.sockets(folder) == [other]


def test_a_long_path_is_shortened_for_a_socket(tmp_path: Path) -> None:
    path = tmp_path / ("deep" * 30) / "a.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener, house.address(path) as name:
        listener.bind(name)
    assert path.is_socket()
    with house.address(Path("/short.sock")) as name:
        assert name == "/short.sock"


def test_a_long_path_that_cannot_be_shortened_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda _: False)
    with pytest.raises(OSError, match="shorter INSTANCE_DIR"), house.address(tmp_path / ("deep" * 30)):
        pass


def test_who_was_announced_is_awaited_until_it_comes(folder: Path) -> None:
    announced = house.announce(folder, os.getpid(), 7)
    assert announced is not None
    assert house.coming(folder) == [announced]
    with clock.moved(house.BOOT_S + 1):
        assert house.coming(folder) == []
    announced.unlink()
    assert house.coming(folder) == []


def test_nobody_waits_for_workers_of_a_master_that_is_dead(folder: Path) -> None:
    house.announce(folder, DEAD, 1)
    announced = house.announce(folder, os.getpid(), 2)
    assert announced is not None
    announced.rename(announced.with_name(announced.name.replace(str(os.getpid()), "x")))
    assert house.coming(folder) == []


def test_one_process_retires_at_a_time(folder: Path) -> None:
    with (folder / "retiring.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not house.take_turn(folder)
    assert house.take_turn(folder)
    assert house.take_turn(folder)
    script = f"import fcntl; fcntl.flock(open({str(folder / 'retiring.lock')!r}), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    assert subprocess.run(["python3", "-c", script], capture_output=True, check=False).returncode != 0
    os.close(house._turn[0])
