"""Deploys that nobody notices: workers are replaced under open connections, and not one of them is closed."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil
import pytest

from tests.conftest import MakeServer
from tests.journeys.conftest import BOOT_S, StartWorkers
from tests.support.model_process import counted
from tests.support.server import Server, responds
from tests.support.streams import REPLACED_S, Stream, wait_replaced
from tests.support.viewer import Viewer
from tests.support.visitor import visit
from tests.support.workers import workers_of

STREAMS = 8
pytestmark = pytest.mark.timeout(300)
MakeStreams = Callable[[Server, int, int], list[Stream]]


@pytest.fixture
def streams() -> Iterator[MakeStreams]:
    """Ask for answers of so many tokens, at 50 a second, and return when all have begun."""
    with ExitStack() as begun:

        def make(server: Server, count: int, tokens: int) -> list[Stream]:
            made = [Stream(server, f"count:{tokens}@50") for _ in range(count)]
            for one in made:
                begun.callback(one.close)
            for one in made:
                one.wait_begun()
            return made

        yield make


@pytest.fixture(scope="module")
def house(start_workers: StartWorkers, shared_redis_url: str) -> Server:
    return start_workers(4, shared_redis_url, BOOT_S)


def test_a_reload_of_four_workers_closes_no_connection(house: Server, streams: MakeStreams) -> None:
    before, answers = workers_of(house), streams(house, STREAMS, 500)
    house.signal(signal.SIGHUP)
    wait_replaced(house, before, 4)
    for answer in answers:
        answer.finish(counted(500))


def test_workers_that_are_ended_one_after_the_other_close_no_connection(house: Server, streams: MakeStreams) -> None:
    answers = streams(house, STREAMS, 900)
    for pid in workers_of(house):
        os.kill(pid, signal.SIGTERM)
        psutil.Process(pid).wait(REPLACED_S)
    for answer in answers:
        answer.finish(counted(900))


def test_one_worker_without_redis_is_replaced_without_closing_a_connection(
    server: MakeServer, streams: MakeStreams
) -> None:
    running = server(LLM_TITLES="false", LLM_CONTINUE="trailing")
    before, answers = workers_of(running), streams(running, 4, 500)
    running.signal(signal.SIGHUP)
    wait_replaced(running, before, 1)
    for answer in answers:
        answer.finish(counted(500))


def test_a_viewer_that_does_not_read_is_moved_with_what_waits_for_it(server: MakeServer) -> None:
    running = server(LLM_TITLES="false", LLM_CONTINUE="trailing")
    person = visit(running.url)
    with Viewer(running.url, person.token) as asker, Viewer(running.url, person.token, receive_buffer=4_096) as slow:
        asker.connect()
        run_id = asker.ask("count:100000", str(uuid.uuid4()))["run_id"]
        slow.transcript.session_id = asker.transcript.session_id
        slow.connect()
        slow.open()
        asker.see_the_end(run_id, 30)
        before = workers_of(running)
        running.signal(signal.SIGHUP)
        wait_replaced(running, before, 1)
        slow.see_the_end(run_id, 30)
        assert slow.transcript.text(run_id) == asker.transcript.text(run_id)
        assert (slow.connections, slow.closes, slow.transcript.contradicted) == (1, [], 0)


def test_a_revocation_reaches_a_connection_that_was_moved(server: MakeServer) -> None:
    running = server()
    person = visit(running.url)
    with Viewer(running.url, person.token) as viewer:
        viewer.connect()
        before = workers_of(running)
        running.signal(signal.SIGHUP)
        wait_replaced(running, before, 1)
        person.post("/api/v1/auth/logout-all", {})
        assert viewer.online.wait_closed(5).code == 4501


def test_a_worker_that_has_answered_enough_requests_closes_no_connection(
    server: MakeServer, streams: MakeStreams
) -> None:
    running = server(LLM_TITLES="false", LLM_CONTINUE="trailing", GUNICORN_CMD_ARGS="--max-requests 40")
    before, answers = workers_of(running), streams(running, 2, 500)
    for _ in range(40):
        assert responds(running.url + "/healthz")
    wait_replaced(running, before, 1)
    for answer in answers:
        answer.finish(counted(500))


def test_a_worker_that_has_grown_too_large_closes_no_connection(server: MakeServer, streams: MakeStreams) -> None:
    running = server(LLM_TITLES="false", LLM_CONTINUE="trailing", WORKER_MEMORY_MB="1")
    before, answers = workers_of(running), streams(running, 2, 700)
    wait_replaced(running, before, 1)
    for answer in answers:
        answer.finish(counted(700))
