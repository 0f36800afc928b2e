"""Fixtures of the delivery engine's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import echo
from tests.realtime.handover_house import House, MakeHouse
from tests.realtime.lines import Line, still_engine
from tests.realtime.redis_house import Process
from tests.support import ws_frames
from tests.support.delivery import HandClock
from zgpt.realtime.hub import Hub

__all__ = ["echo"]

MakeLine = Callable[..., Line]
MakeProcess = Callable[[], Process]


@pytest.fixture
def make_line() -> Iterator[MakeLine]:
    """Make a connection with its peer: `make_line(told=…, early=…, heartbeat_s=…)`; all are closed at the end."""
    made: list[Line] = []

    def make(engine: Any = None, *, told: Any = None, early: bytes = b"", rcvbuf: int = 0, **limits: float) -> Line:
        made.append(Line(engine or still_engine(**limits), told=told, early=early, rcvbuf=rcvbuf))
        return made[-1]

    yield make
    for line in made:
        line.peer.close()
        line.conn._finish()


@pytest.fixture
def line(make_line: MakeLine) -> Line:
    """An open connection with its peer."""
    made = make_line()
    made.told.wait("open")
    return made


@pytest.fixture
def flush_clock() -> HandClock:
    """A flush clock that the test winds."""
    return HandClock()


@pytest.fixture
def hub(flush_clock: HandClock) -> Hub:
    """A hub on it, without sockets."""
    return Hub(flush_clock)


@pytest.fixture
def make_process(redis_url: str) -> Iterator[MakeProcess]:
    """Another process of the same house; all are ended at the end."""
    made: list[Process] = []

    def make() -> Process:
        made.append(Process(redis_url).start())
        return made[-1]

    yield make
    for process in made:
        process.broker.close()


@pytest.fixture
def here(make_process: MakeProcess) -> Process:
    """A process with Redis."""
    return make_process()


@pytest.fixture
def there(make_process: MakeProcess) -> Process:
    """Another one."""
    return make_process()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the processes of an instance find each other."""
    return tmp_path / "handover"


@pytest.fixture
def make_house(folder: Path) -> Iterator[MakeHouse]:
    """Make a process that takes sockets over: `make_house(connections=…)`; all are ended at the end."""
    made: list[House] = []

    def make(**limits: Any) -> House:
        made.append(House(folder, len(made) + 1, **limits))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def lines(make_line: MakeLine) -> list[Line]:
    """Three open connections that have begun to read."""
    made = [make_line() for _ in range(3)]
    for line in made:
        line.told.wait("open")
        line.send(ws_frames.PING)
        line.receive()
    return made
