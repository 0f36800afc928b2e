"""Commands in a bounded number of greenlets: in order for one connection, fairly over all."""

from unittest.mock import Mock

import gevent
import pytest
from gevent.event import Event

from zgpt.gateway import pool
from zgpt.gateway.client import Client
from zgpt.gateway.pool import CommandPool
from zgpt.realtime.protocol import AnyCommand, Ping


class Record:
    """Acts by remembering, and waits where a test wants it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.at_once = self.most_at_once = 0
        self.gate = Event()
        self.gate.set()

    def __call__(self, client: Client, command: AnyCommand) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.gate.wait()
        gevent.sleep(0)
        self.at_once -= 1
        self.done.append(command.id)


def _client(*ids: str) -> Client:
    connection = Mock()
    connection.closed = False
    client = Client(connection)
    for command_id in ids:
        client.push(Ping(command_id))
    return client


def _settle(record: Record, count: int) -> None:
    with gevent.Timeout(5):
        while len(record.done) < count:
            gevent.sleep(0.001)


def test_the_commands_of_one_connection_run_one_by_one_in_order() -> None:
    record = Record()
    commands, client = CommandPool(record), _client("1", "2", "3")
    commands.submit(client)
    _settle(record, 3)
    assert (record.done, record.most_at_once) == (["1", "2", "3"], 1)


def test_a_connection_with_many_commands_delays_another_by_one_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "WORKERS", 1)
    record = Record()
    commands = CommandPool(record)
    for client in (_client("a1", "a2", "a3"), _client("b1")):
        commands.submit(client)
    _settle(record, 4)
    assert record.done == ["a1", "b1", "a2", "a3"]


def test_only_so_many_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "WORKERS", 2)
    record = Record()
    commands = CommandPool(record)
    for index in range(5):
        commands.submit(_client(str(index)))
    _settle(record, 5)
    assert record.most_at_once == 2


def test_submitting_a_client_that_waits_already_changes_nothing() -> None:
    record = Record()
    commands, client = CommandPool(record), _client("1")
    commands.submit(client)
    commands.submit(client)
    _settle(record, 1)
    gevent.sleep(0.01)
    assert record.done == ["1"]
    assert (client.queue, client.queued) == (None, False)


def test_what_a_closed_connection_had_still_asked_is_dropped() -> None:
    record = Record()
    record.gate.clear()
    commands, client = CommandPool(record), _client("1", "2")
    commands.submit(client)
    gevent.sleep(0)
    client.connection.closed = True
    record.gate.set()
    _settle(record, 1)
    gevent.sleep(0.01)
    assert record.done == ["1"]
    assert client.queue is None


def test_a_queue_that_was_emptied_meanwhile_is_no_fault() -> None:
    record = Record()
    commands, client = CommandPool(record), _client("1")
    commands.submit(client)
    client.queue = None
    gevent.sleep(0.01)
    assert (record.done, client.queued) == ([], False)


def test_a_worker_that_broke_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "WORKERS", 1)
    record = Record()

    def act(client: Client, command: AnyCommand) -> None:
        if command.id == "broken":
            raise gevent.GreenletExit
        record(client, command)

    commands = CommandPool(act)
    commands.submit(_client("broken"))
    gevent.sleep(0.01)
    commands.submit(_client("sound"))
    _settle(record, 1)
