"""Several workers, with Redis between them: whoever dies, every viewer reads the same bytes to the end."""

import os
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from tests.journeys.conftest import StartWorkers
from tests.support.model_process import counted
from tests.support.processes import running
from tests.support.server import Server
from tests.support.services import RedisServer
from tests.support.viewer import Viewer
from tests.support.visitor import Visitor, visit
from tests.support.workers import connect_beside, worker_of, workers_of

END_TIMEOUT_S = 40.0
FROZEN_S = 8.0
KILLS = int(os.environ.get("TEST_KILLS", "2"))


class Room:
    """One person's session, written by one worker and read on another."""

    def __init__(self, server: Server, visitor: Visitor) -> None:
        self.server, self.visitor = server, visitor
        self.writer = Viewer(server.url, visitor.token)
        self.reader = Viewer(server.url, visitor.token)
        self.owner = self.other = 0
        self.run_id = ""

    def ask(self, text: str) -> None:
        """The writer asks on one worker, the reader opens the session on another."""
        self.writer.connect()
        self.owner = worker_of(self.server, self.writer)
        self.run_id = self.writer.ask(text, str(uuid.uuid4()))["run_id"]
        self.reader.transcript.session_id = self.writer.transcript.session_id
        self.other = connect_beside(self.server, self.reader, {self.owner})
        self.reader.open()

    def read_until(self, viewer: Viewer, size: int) -> None:
        """Follow until so many characters are shown."""
        while len(viewer.transcript.text(self.run_id)) < size:
            assert self.run_id not in viewer.transcript.completed, "the answer was too short for this test"
            if viewer.transcript.apply(viewer.online.event(END_TIMEOUT_S)):
                viewer.open()

    def finish(self) -> str:
        """Both read to the end; the status."""
        watching = threading.Thread(target=self.reader.see_the_end, args=(self.run_id, END_TIMEOUT_S))
        watching.start()
        self.writer.see_the_end(self.run_id, END_TIMEOUT_S)
        watching.join(END_TIMEOUT_S)
        return str(self.reader.transcript.completed[self.run_id]["status"])

    def check(self, text: str, *, swaps: int = 0) -> None:
        """Both were shown exactly this, it is what is stored, and no text was taken back."""
        for viewer in (self.writer, self.reader):
            assert viewer.transcript.text(self.run_id) == text
            assert viewer.transcript.contradicted == 0
            assert viewer.transcript.swaps <= swaps
        stored = self.visitor.messages(str(self.writer.transcript.session_id))[-1]
        assert stored["text"] == text

    def close(self) -> None:
        for viewer in (self.writer, self.reader):
            viewer.close()


@pytest.fixture(scope="module")
def together() -> Iterator[RedisServer]:
    """A Redis of these tests' own, to be frozen and killed."""
    with running(RedisServer()) as server:
        yield server


@pytest.fixture(scope="module")
def house(together: RedisServer, start_workers: StartWorkers) -> Server:
    return start_workers(2, together.url)


@pytest.fixture
def room(house: Server) -> Iterator[Room]:
    made = Room(house, visit(house.url))
    yield made
    made.close()


def test_viewers_on_two_workers_see_the_same_bytes(room: Room) -> None:
    room.ask("count:100@50")
    assert room.finish() == "completed"
    room.check(counted(100))
    assert room.writer.transcript.gaps == room.reader.transcript.gaps == 0


def test_a_viewer_who_comes_late_to_another_worker_is_shown_everything(room: Room) -> None:
    room.writer.connect()
    room.owner = worker_of(room.server, room.writer)
    room.run_id = room.writer.ask("count:100@50", str(uuid.uuid4()))["run_id"]
    room.read_until(room.writer, 100)
    room.reader.transcript.session_id = room.writer.transcript.session_id
    connect_beside(room.server, room.reader, {room.owner})
    room.reader.open()
    assert room.finish() == "completed"
    room.check(counted(100))


def test_a_stop_reaches_the_worker_that_writes(room: Room) -> None:
    room.ask("count:300@50")
    room.read_until(room.reader, 20)
    room.reader.online.command("run.stop", run_id=room.run_id)
    shown = room.reader.transcript.text(room.run_id)
    assert room.finish() == "stopped"
    text = room.writer.transcript.text(room.run_id)
    assert len(text) - len(shown) < len(counted(300)) - len(counted(275)), "it went on for more than half a second"
    room.check(text)


@pytest.mark.timeout(120 + 30 * KILLS)
def test_an_answer_survives_the_death_of_its_worker(house: Server) -> None:
    visitor = visit(house.url)
    for turn in range(KILLS):
        with closing(Room(house, visitor)) as room:
            room.ask("count:300@50")
            room.read_until(room.reader, 40 + 37 * turn % 600)
            os.kill(room.owner, signal.SIGKILL)
            assert room.finish() == "completed"
            room.check(counted(300), swaps=1)


def test_a_worker_that_was_frozen_shows_nothing_of_its_own_any_more(room: Room) -> None:
    room.ask("count:400@50")
    room.read_until(room.reader, 40)
    os.kill(room.owner, signal.SIGSTOP)
    thaw = threading.Timer(FROZEN_S, os.kill, (room.owner, signal.SIGCONT))
    thaw.start()
    assert room.finish() == "completed"
    thaw.join()
    room.check(counted(400), swaps=1)
    assert room.owner in workers_of(room.server)


def test_a_worker_that_is_told_to_end_hands_its_answers_over_at_once(room: Room) -> None:
    room.ask("count:200@50")
    room.read_until(room.reader, 40)
    os.kill(room.owner, signal.SIGTERM)
    assert room.finish() == "completed"
    room.check(counted(200), swaps=1)
    assert (room.writer.closes, room.reader.closes) == ([], [])


def test_signing_out_closes_the_sockets_on_every_worker(room: Room) -> None:
    room.writer.connect()
    connect_beside(room.server, room.reader, {worker_of(room.server, room.writer)})
    room.visitor.post("/api/v1/auth/logout-all", {})
    assert [viewer.online.wait_closed(3).code for viewer in (room.writer, room.reader)] == [4501, 4501]


def test_a_frozen_redis_holds_nobody_up_who_is_on_the_right_worker(room: Room, together: RedisServer) -> None:
    room.ask("count:300@50")
    room.read_until(room.reader, 40)
    together.pause()
    before = len(room.writer.transcript.text(room.run_id))
    room.writer.follow(room.run_id, 3.0)
    shown = len(room.writer.transcript.text(room.run_id)) - before
    together.resume()
    assert shown > 100
    assert room.finish() == "completed"
    room.check(counted(300))


def test_a_redis_that_comes_back_empty_is_filled_again(room: Room, together: RedisServer) -> None:
    room.ask("count:300@50")
    room.read_until(room.reader, 40)
    together.kill9()
    room.writer.follow(room.run_id, 1.5)
    together.start()
    room.writer.follow(room.run_id, 2.5)
    room.reader.follow(room.run_id, 0.5)
    assert len(room.reader.transcript.text(room.run_id)) > 300
    assert room.finish() == "completed"
    room.check(counted(300))


def test_a_redis_that_is_full_loses_nobody_a_character(room: Room, together: RedisServer) -> None:
    room.ask("count:200@50")
    room.read_until(room.reader, 40)
    with redis.Redis.from_url(together.url) as operator:
        operator.config_set("maxmemory", "1mb")
        room.writer.follow(room.run_id, 2.0)
        shown = len(room.writer.transcript.text(room.run_id))
        operator.config_set("maxmemory", "0")
    assert shown > 100
    assert room.finish() == "completed"
    room.check(counted(200))


def test_a_worker_that_was_frozen_while_redis_was_emptied_shows_nothing_of_its_own_any_more(
    room: Room, together: RedisServer
) -> None:
    room.ask("count:500@50")
    room.read_until(room.reader, 40)
    os.kill(room.owner, signal.SIGSTOP)
    emptied = threading.Timer(FROZEN_S - 1, _empty, (together,))
    thaw = threading.Timer(FROZEN_S, os.kill, (room.owner, signal.SIGCONT))
    for timer in (emptied, thaw):
        timer.start()
    assert room.finish() == "completed"
    for timer in (emptied, thaw):
        timer.join()
    room.check(counted(500), swaps=1)


def _empty(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as operator:
        operator.flushall()
