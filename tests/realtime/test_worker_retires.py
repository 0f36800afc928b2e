"""When a worker ends of its own accord, and how it asks for it; the exit itself is in test_worker.py."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import gevent
import pytest
from gevent.event import Event
from gunicorn.config import Config
from gunicorn.workers.base import Worker as BaseWorker
from gunicorn.workers.ggevent import GeventWorker

from zgpt.realtime import handover_folder, worker
from zgpt.realtime.worker import Worker

Make = Callable[..., Worker]
MASTER = 4_194_305
"""Above what Linux gives to a process."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mock:
    """What is asked of the master; whoever asks has its turn."""
    killed = Mock()
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path))
    monkeypatch.setattr(handover_folder, "take_turn", lambda _folder: True)
    monkeypatch.setattr(worker, "RELOAD_S", 0.01)
    monkeypatch.setattr(os, "kill", killed)
    return killed


@pytest.fixture
def made(kill: Mock) -> Iterator[Make]:
    """Make one of so many workers."""
    workers: list[Worker] = []

    def make(count: int, age: int = 1) -> Worker:
        config = Config()
        config.set("workers", count)
        workers.append(Worker(age, MASTER, [], None, 30, config, Mock()))
        return workers[-1]

    yield make
    for one in workers:
        one.tmp.close()


def test_one_of_several_ends_at_once(made: Make, kill: Mock) -> None:
    told = Event()
    made(2)._retire(told)
    assert told.is_set()
    kill.assert_not_called()


def test_the_only_one_has_a_successor_started_and_ends_without_one_in_the_end(made: Make, kill: Mock) -> None:
    only, told = made(1), Event()
    only._retire(told)
    only._retire(told)
    kill.assert_called_once_with(MASTER, signal.SIGHUP)
    assert not told.is_set()
    with gevent.Timeout(5):
        told.wait()


def test_one_whose_turn_it_is_not_stays(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover_folder, "take_turn", lambda _folder: False)
    told = Event()
    made(2)._retire(told)
    assert not told.is_set()


def test_one_that_is_told_to_end_before_it_has_come_is_not_waited_for(made: Make, tmp_path: Path) -> None:
    starting, notes = made(1), tmp_path / handover_folder.NAME
    assert len(list(notes.glob("*.coming"))) == 1
    starting.handle_exit(signal.SIGTERM, None)
    assert list(notes.glob("*.coming")) == []


def test_one_that_could_not_be_announced_is_not_waited_for_either(made: Make, tmp_path: Path) -> None:
    (tmp_path / handover_folder.NAME).touch()
    made(1).arrived()


def test_a_busy_worker_keeps_no_connection_for_later(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GeventWorker, "handle_request", Mock(return_value="answered"))
    busy, request, sock = made(1), Mock(), Mock()
    busy._lobby = SimpleNamespace(busy=True)  # type: ignore[assignment]
    assert busy.handle_request("", request, sock, None) == "answered"
    request.force_close.assert_called_once_with()
    sock.settimeout.assert_called_once_with(worker.STALL_S)
    busy._lobby = SimpleNamespace(busy=False)  # type: ignore[assignment]
    calm = Mock()
    busy.handle_request("", calm, sock, None)
    calm.force_close.assert_not_called()


@pytest.mark.parametrize(("age", "fault"), [(2, ImportError), (3, SystemExit)])
def test_a_failed_start_ends_the_server_only_when_it_is_one_of_its_first(
    made: Make, monkeypatch: pytest.MonkeyPatch, age: int, fault: type[BaseException]
) -> None:
    monkeypatch.setattr(worker, "BOOT_AGAIN_S", 0.0)
    monkeypatch.setattr(Worker, "_beat_while_loading", Mock())
    monkeypatch.setattr(GeventWorker, "load_wsgi", Mock(side_effect=ImportError("a file that is half written")))
    with pytest.raises(fault):
        made(2, age).load_wsgi()


def test_a_start_that_takes_long_is_known_to_live(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, beats = made(1), []

    def beat(one: BaseWorker) -> None:
        beats.append(one)
        slow.alive = len(beats) < 3

    monkeypatch.setattr(worker, "_NOTIFY_S", 0.0)
    monkeypatch.setattr(BaseWorker, "notify", beat)
    slow._beat_while_loading()
    assert beats == [slow] * 3
    slow.alive = True
    monkeypatch.setattr(handover_folder, "BOOT_S", 0.0)
    slow._beat_while_loading()
    assert len(beats) == 3, "nobody waits for it for ever"


def test_an_exit_waits_for_who_comes_but_not_for_ever(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "COMING_S", 0.1)
    leaving = made(1)
    notify: Any = Mock()
    monkeypatch.setattr(leaving, "notify", notify)
    with gevent.Timeout(5):
        leaving._leave()
    notify.assert_called()
    leaving.arrived()
    notify.reset_mock()
    leaving._leave()
    notify.assert_not_called()
