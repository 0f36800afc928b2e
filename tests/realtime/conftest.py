"""Fixtures of the delivery engine's tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance.conftest import echo
from tests.realtime.lines import Line, still_engine
from tests.realtime.redis_house import Process

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
