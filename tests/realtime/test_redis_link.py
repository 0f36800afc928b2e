"""The connection to Redis: replies in order, faults in one exception, no wait without a bound."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from unittest.mock import Mock

import gevent
import hiredis
import pytest

from tests.support.services import RedisServer
from zgpt.realtime import redis_address, redis_link, redis_log
from zgpt.realtime.redis_link import RedisAway, RedisLink, Script

ECHO = Script("return ARGV[1]", keys=0)


@pytest.fixture
def link(redis_url: str) -> Iterator[RedisLink]:
    made = RedisLink(redis_url, [ECHO])
    yield made
    made.close()


def test_each_command_gets_its_own_reply(link: RedisLink) -> None:
    replies = link.pipeline([("SET", "a", b"\xff"), ("GET", "a"), ("GET", "none"), ("STRLEN", "a")])
    assert replies == [b"OK", b"\xff", None, 1]


def test_a_refused_command_is_an_error_in_its_place(link: RedisLink) -> None:
    wrong, right = link.pipeline([("INCR", "a", "b"), ("PING",)])
    assert isinstance(wrong, hiredis.ReplyError)
    assert right == b"PONG"


def test_scripts_are_there_after_every_connect(link: RedisLink) -> None:
    assert link.pipeline([ECHO.call("one")]) == [b"one"]
    link.pipeline([("SCRIPT", "FLUSH")])
    with pytest.raises(RedisAway):
        link.pipeline([ECHO.call("two")])
    assert link.pipeline([ECHO.call("two")]) == [b"two"]


def test_what_fell_silent_is_away_within_the_time_out_and_comes_back(redis_server: RedisServer) -> None:
    with closing(RedisLink(redis_server.url)) as link:
        link.pipeline([("PING",)])
        redis_server.pause()
        began_s = time.monotonic()
        with pytest.raises(RedisAway):
            link.pipeline([("PING",)])
        assert time.monotonic() - began_s < redis_address.TIMEOUT_S + 1
        redis_server.resume()
        assert link.pipeline([("PING",)]) == [b"PONG"]
        redis_server.kill9()
        with pytest.raises(RedisAway):
            link.pipeline([("PING",)])
        redis_server.start()
        assert link.pipeline([("PING",)]) == [b"PONG"]


def test_a_greenlet_that_is_killed_while_it_waits_leaves_no_reply_behind(link: RedisLink) -> None:
    waiting = gevent.spawn(link.pipeline, [("BLPOP", "nothing", 0.5)])
    gevent.sleep(0.1)
    waiting.kill()
    assert link.pipeline([("ECHO", "mine")]) == [b"mine"]


def test_a_subscription_that_is_silent_too_long_is_away(link: RedisLink) -> None:
    link.pipeline([("SUBSCRIBE", "x")])
    with pytest.raises(RedisAway):
        link.read(0.05)
    assert not link.connected


def test_a_link_that_is_not_connected_has_nothing_to_read(redis_url: str) -> None:
    with pytest.raises(RedisAway, match="not connected"):
        RedisLink(redis_url).read(0.05)


def test_a_wrong_password_is_told_in_words(redis_url: str) -> None:
    with pytest.raises(RedisAway, match="AUTH"):
        RedisLink(redis_url.replace("redis://", "redis://nobody:wrong@")).pipeline([("PING",)])


@pytest.mark.parametrize(
    ("hosts", "addresses"),
    [
        ("a:1,b", [("a", 1), ("b", redis_address.SENTINEL_PORT)]),
        ("[::1]:7,[fd00::2]", [("::1", 7), ("fd00::2", redis_address.SENTINEL_PORT)]),
        ("", [("localhost", redis_address.SENTINEL_PORT)]),
    ],
)
def test_sentinels_are_named_with_or_without_their_port(hosts: str, addresses: list[tuple[str, int]]) -> None:
    assert redis_address._addresses(hosts) == addresses


def test_sentinels_that_know_no_master_are_away() -> None:
    with pytest.raises(RedisAway, match="master"):
        RedisLink("sentinel://127.0.0.1:1/main", redis_log.SCRIPTS).pipeline([("PING",)])


def test_a_link_that_was_ended_is_not_opened_again(redis_url: str) -> None:
    link = RedisLink(redis_url)
    link.pipeline([("PING",)])
    link.end()
    with pytest.raises(RedisAway, match="goodbye"):
        link.pipeline([("PING",)])
    assert not link.connected


def test_a_link_that_is_ended_while_it_connects_is_not_left_open(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = RedisLink(redis_url)

    def ended_meanwhile(options: redis_address.Options) -> Any:
        link.end()
        return redis_address.dial(options)

    monkeypatch.setattr(redis_link, "dial", ended_meanwhile)
    with pytest.raises(RedisAway, match="goodbye"):
        link.pipeline([("PING",)])
    assert not link.connected


def test_a_master_whose_address_is_of_ipv6_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    sentinel = Mock()
    sentinel.return_value.discover_master.return_value = ("fd00::7", 6380)
    monkeypatch.setattr(redis_address, "_Sentinel", sentinel)
    place = redis_address.resolve("sentinel://x/main/2")
    assert (place["host"], place["port"], place["db"]) == ("fd00::7", 6380, 2)
