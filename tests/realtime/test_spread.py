"""Which worker accepts: the board that all share, workers as numbers, and real workers with real connections."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import gevent
import pytest

from zgpt.core import clock
from zgpt.realtime import spread
from zgpt.realtime.spread import BEAT_S, SLACK, Share, SharingServer

MakeWorker = Callable[..., "Worker"]


class Worker:
    """A worker of a fresh board: how many it holds and lets wait is what the test says."""

    def __init__(self, age: int, workers: int) -> None:
        self.held = self.waiting = 0
        self.share = Share(age, workers, lambda: self.held, lambda: self.waiting)

    def takes(self) -> bool:
        return self.share.is_mine()


@pytest.fixture
def worker() -> Iterator[MakeWorker]:
    made: list[Worker] = []

    def make(age: int, workers: int = 2, held: int = 0) -> Worker:
        made.append(Worker(age, workers))
        made[-1].held = held
        return made[-1]

    yield make
    for one in made:
        one.share.close()


def beats() -> None:
    """Everybody has told what it holds and heard of the others."""
    gevent.sleep(2.5 * BEAT_S)


def test_who_has_clearly_more_than_another_lets_it_accept(worker: MakeWorker) -> None:
    many, few = worker(1, held=SLACK + 1), worker(2)
    beats()
    assert not many.takes()
    assert few.takes()


def test_a_small_difference_makes_nobody_wait(worker: MakeWorker) -> None:
    many, few = worker(1, held=SLACK), worker(2)
    beats()
    assert many.takes()
    assert few.takes()


def test_at_thousands_a_sixteenth_more_makes_nobody_wait(worker: MakeWorker) -> None:
    many = worker(1, held=1_060)
    worker(2, held=1_000)
    beats()
    assert many.takes()


def test_a_worker_alone_accepts_everything(worker: MakeWorker) -> None:
    only = worker(1, workers=1, held=10_000)
    beats()
    assert only.takes()


def test_nobody_waits_for_a_worker_that_is_gone(worker: MakeWorker) -> None:
    many, few = worker(1, held=100), worker(2)
    beats()
    few.share.close()
    beats()
    many.share._since_s -= spread.YOUNG_S
    assert many.takes()


def test_nobody_waits_for_a_worker_that_is_stuck(worker: MakeWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    many, stuck = worker(1, held=100), worker(2)
    beats()
    stuck.share._timer.stop()
    gevent.sleep(spread.FRESH_MS / 1_000 + BEAT_S)
    many.share._since_s -= spread.YOUNG_S
    assert many.takes()


def test_nobody_waits_long_for_a_worker_that_does_not_accept(worker: MakeWorker) -> None:
    many = worker(1, held=100)
    worker(2)
    beats()
    began_s = clock.monotonic()
    while not many.takes():
        gevent.sleep(spread.PAUSE_S)
    assert clock.monotonic() - began_s >= spread.PATIENCE_S


def test_of_those_who_have_waited_long_enough_one_is_accepted_at_a_time(worker: MakeWorker) -> None:
    many = worker(1, held=100)
    worker(2)
    beats()
    while not many.takes():
        gevent.sleep(spread.PAUSE_S)
    assert not many.takes()
    gevent.sleep(1.5 * spread.NEXT_S)
    assert many.takes()
    assert not many.takes()


def test_what_comes_later_waits_anew(worker: MakeWorker) -> None:
    many = worker(1, held=100)
    worker(2)
    beats()
    assert not many.takes()
    gevent.sleep(2 * spread.PATIENCE_S)
    assert not many.takes()


def test_the_first_worker_that_is_up_leaves_the_queue_to_the_others(worker: MakeWorker) -> None:
    first = worker(1, workers=4)
    beats()
    assert first.takes()
    first.waiting = spread.YOUNG_WAITING_MOST
    assert not first.takes()


class Turn:
    """A share whose answer the test gives."""

    def __init__(self) -> None:
        self.mine = False
        self.asked = 0

    def is_mine(self) -> bool:
        self.asked += 1
        return self.mine


class Lobby:
    """Whom the server has accepted; nobody is served."""

    def __init__(self) -> None:
        self.came = 0

    def admit(self, run: object, handle: object, close: Callable[..., object], args: tuple[object, ...]) -> None:
        self.came += 1
        close(*args)


@pytest.fixture
def served() -> Iterator[tuple[Turn, SharingServer, Lobby, int]]:
    """A listening server, whose turn it is not, and its port."""
    turn, lobby = Turn(), Lobby()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = SharingServer(turn, listener, lambda *_: None, lobby.admit)  # type: ignore[arg-type]
        server.start()
        yield turn, server, lobby, listener.getsockname()[1]
        server.stop()


def test_a_connection_waits_for_its_worker_and_is_accepted_when_the_turn_comes(
    served: tuple[Turn, SharingServer, Lobby, int],
) -> None:
    turn, _, lobby, port = served
    with socket.create_connection(("127.0.0.1", port)):
        gevent.sleep(4 * spread.PAUSE_S)
        assert turn.asked > 1
        assert lobby.came == 0
        turn.mine = True
        gevent.sleep(4 * spread.PAUSE_S)
        assert lobby.came == 1


def test_a_server_that_was_stopped_in_a_pause_accepts_nobody(served: tuple[Turn, SharingServer, Lobby, int]) -> None:
    turn, server, lobby, port = served
    with socket.create_connection(("127.0.0.1", port)):
        while not turn.asked:
            gevent.sleep(0)
        server.stop()
        turn.mine = True
        gevent.sleep(4 * spread.PAUSE_S)
        assert lobby.came == 0
