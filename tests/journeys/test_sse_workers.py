"""Answers read as event streams while one worker writes and another tells: whoever dies, the bytes are the same."""

from __future__ import annotations

import os
import signal
import uuid

import psutil
import pytest

from tests.journeys.conftest import StartWorkers
from tests.support.model_process import counted
from tests.support.processes import polls
from tests.support.server import Server
from tests.support.sse import Follower
from tests.support.transcript import Transcript
from tests.support.viewer import Viewer
from tests.support.visitor import Visitor, visit
from tests.support.workers import worker_of, workers_of

READ_TIMEOUT_S = 40.0
TOKENS = 300
WHOLE = counted(TOKENS)
TRIES = 60


@pytest.fixture(scope="module")
def house(start_workers: StartWorkers, shared_redis_url: str) -> Server:
    return start_workers(2, shared_redis_url)


class Story:
    """One answer: asked on one worker, read as an event stream."""

    def __init__(self, house: Server) -> None:
        self.house = house
        self.visitor: Visitor = visit(house.url)
        self.writer = Viewer(house.url, self.visitor.token)
        self.writer.connect()
        self.owner = worker_of(house, self.writer)
        self.run_id = str(self.writer.ask(f"count:{TOKENS}@50", str(uuid.uuid4()))["run_id"])
        # The question and the empty answer are told already: the stream begins behind them.
        self.shown = Transcript(session_id=self.writer.transcript.session_id, revision=2)
        self.last_id = ""

    def stream(self) -> Follower:
        """Go on from the last event that was applied, as a browser's EventSource does."""
        token = self.visitor.token
        return Follower(self.house.url, token, self.run_id, last_id=self.last_id, timeout_s=READ_TIMEOUT_S)

    def take(self, stream: Follower) -> bool:
        """Apply the next event; False when the stream has ended."""
        try:
            event = stream.event()
        except ConnectionError:
            return False
        if event is None:
            return False
        assert not self.shown.apply({**event[1]}), "an event stream has no gaps"
        self.last_id = stream.last_id
        return True

    def read(self, size: int = 10**9) -> None:
        """Follow across cut streams to this size, or to the end."""
        for _ in polls(READ_TIMEOUT_S):
            with _answered(self.stream()) as stream:
                while self._goes_on(size) and stream.status == 200 and self.take(stream):
                    pass
            if not self._goes_on(size):
                return
        raise AssertionError("the answer did not come so far")

    def _goes_on(self, size: int) -> bool:
        return self.run_id not in self.shown.completed and len(self.shown.text(self.run_id)) < size

    def check(self, *, swaps: int) -> None:
        """All was shown once, in order, as it is stored; what was taken back is how the final text begins."""
        assert self.shown.completed[self.run_id]["status"] == "completed"
        assert self.shown.text(self.run_id) == WHOLE
        assert self.shown.contradicted == self.shown.gaps == self.shown.duplicates == 0
        assert self.shown.swaps <= swaps
        assert self.visitor.messages(str(self.shown.session_id))[-1]["text"] == WHOLE
        self.writer.close()


def _answered(stream: Follower) -> Follower:
    """The stream once it is open; a worker that dies while it answers is asked again."""
    for _ in polls(READ_TIMEOUT_S):
        try:
            return stream.open()
        except (AssertionError, ConnectionError):
            continue
    raise AssertionError("nobody answers")


def teller_of(house: Server, stream: Follower) -> int:
    """The worker that holds the other end of the stream."""
    port = stream.local_port
    for _ in polls(5.0):
        for pid in workers_of(house):
            if any(peer.raddr[1:] == (port,) for peer in psutil.Process(pid).net_connections("tcp4")):
                return pid
    raise AssertionError("no worker holds the stream")


def beside(story: Story) -> Follower:
    """A stream that another worker than the writing one tells."""
    for _ in range(TRIES):
        stream = _answered(story.stream())
        if teller_of(story.house, stream) != story.owner:
            return stream
        stream.close()
    raise AssertionError("only the writing worker took a stream")


def test_an_answer_is_told_by_another_worker_as_it_is_written(house: Server) -> None:
    story = Story(house)
    with beside(story) as stream:
        for _ in range(20):
            assert story.take(stream)
        assert story.run_id not in story.shown.completed, "it came late, all at once"
    story.read()
    story.check(swaps=0)


def test_a_reader_who_comes_back_to_any_worker_goes_on_exactly(house: Server) -> None:
    story = Story(house)
    for size in range(40, 900, 40):
        story.read(size)
    story.read()
    story.check(swaps=0)


def test_a_reader_beside_the_worker_that_dies_sees_it_taken_up(house: Server) -> None:
    story = Story(house)
    with beside(story) as stream:
        while len(story.shown.text(story.run_id)) < 100:
            assert story.take(stream)
        os.kill(story.owner, signal.SIGKILL)
        while story.take(stream):
            pass
    story.check(swaps=1)


def test_a_reader_on_the_worker_that_dies_comes_back_and_loses_nothing(house: Server) -> None:
    story = Story(house)
    story.read(100)
    os.kill(story.owner, signal.SIGKILL)
    story.read()
    story.check(swaps=1)
