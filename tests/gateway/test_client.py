"""What one connection may ask, and how much of it may wait."""

from unittest.mock import Mock

from zgpt.core import clock
from zgpt.gateway.client import COMMANDS_AT_ONCE, COMMANDS_PER_S, QUEUED_COMMANDS, Client
from zgpt.realtime.protocol import Ping


def _client() -> Client:
    return Client(Mock())


def test_a_burst_is_taken_and_then_a_wait_is_told() -> None:
    client = _client()
    assert [client.spend() for _ in range(COMMANDS_AT_ONCE)] == [0.0] * COMMANDS_AT_ONCE
    assert 0 < client.spend() <= 1 / COMMANDS_PER_S


def test_the_wait_that_is_told_is_long_enough() -> None:
    client = _client()
    while not (wait_s := client.spend()):
        pass
    with clock.moved(wait_s):
        assert client.spend() == 0.0


def test_the_allowance_grows_to_one_burst_and_no_further() -> None:
    client = _client()
    with clock.moved(3_600):
        taken = 0
        while not client.spend():
            taken += 1
    assert taken == COMMANDS_AT_ONCE


def test_refusals_are_counted_until_the_client_pauses() -> None:
    client = _client()
    for _ in range(COMMANDS_AT_ONCE + 10):
        client.spend()
    assert client.refusals == 10
    with clock.moved(1 / COMMANDS_PER_S):
        assert client.spend() == 0.0
        assert client.refusals == 10
    with clock.moved(COMMANDS_AT_ONCE / COMMANDS_PER_S + 1):
        client.spend()
        assert client.refusals == 0


def test_only_so_many_commands_wait() -> None:
    client = _client()
    assert all(client.push(Ping(str(index))) for index in range(QUEUED_COMMANDS))
    assert not client.push(Ping("one too many"))
