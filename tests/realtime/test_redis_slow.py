"""Redis far away, and Redis behind a connection that is dead without anybody knowing: nothing waits long for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import gevent
import pytest

from tests.realtime.redis_house import Process, wait
from tests.realtime.test_redis_trouble import WHOLE, WORDS, Pair
from tests.support.delivery import RUN, SESSION, head
from tests.support.proxy import Proxy
from tests.support.services import RedisServer
from zgpt.core import clock
from zgpt.realtime import broker_redis, redis_ear
from zgpt.realtime.redis_link import TIMEOUT_S

ROUND_TRIP_S = 0.2


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    with Proxy(redis_server.port) as made:
        yield made


@pytest.fixture
def pair(proxy: Proxy, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setattr(redis_ear, "SILENCE_S", 2.0)
    with closing(Pair(proxy.url(redis_server.url))) as made:
        made.begin()
        yield made
        proxy.swallows = False


def joined_s(process: Process) -> float:
    """How long a page waits until it has the session open, with text or without."""
    began_s = clock.monotonic()
    process.view(SESSION)
    return clock.monotonic() - began_s


def test_a_redis_that_is_far_away_delays_every_word_a_little_and_loses_none(pair: Pair, proxy: Proxy) -> None:
    proxy.delay_s = ROUND_TRIP_S / 2
    for word in WORDS[10:]:
        began_s, size = clock.monotonic(), len(pair.near.text())
        pair.say([word])
        wait(lambda size=size: len(pair.near.text()) > size)  # type: ignore[misc]
        assert clock.monotonic() - began_s < 3 * ROUND_TRIP_S
    wait(lambda: pair.far.text() == pair.near.text() == WHOLE)
    assert [process.broker.away for process in (pair.owner, pair.other)] == [False, False]
    assert joined_s(pair.other) < 3 * ROUND_TRIP_S


def test_behind_a_dead_connection_the_near_viewer_reads_on_and_the_far_one_catches_up(pair: Pair, proxy: Proxy) -> None:
    proxy.swallows = True
    began_s = clock.monotonic()
    pair.say(WORDS[10:15])
    wait(lambda: len(pair.near.text()) == pair.size)
    assert clock.monotonic() - began_s < 2 * TIMEOUT_S
    for word in WORDS[15:]:
        pair.say([word])
        gevent.sleep(0.02)
    wait(lambda: pair.near.text() == WHOLE)
    proxy.swallows = False
    wait(lambda: pair.far.text() == WHOLE)


def test_behind_a_dead_connection_a_page_opens_its_session_without_waiting_long(pair: Pair, proxy: Proxy) -> None:
    proxy.swallows = True
    pair.other.broker.open_run(head(run_id="own"), {})
    pages = [gevent.spawn(joined_s, pair.other) for _ in range(20)]
    gevent.joinall(pages, timeout=5, raise_error=True)
    assert max(page.get() for page in pages) < 2 * TIMEOUT_S + 0.5


def test_a_connection_that_was_idle_for_long_is_not_trusted(pair: Pair, proxy: Proxy) -> None:
    broker = pair.other.broker
    assert broker.read_run(RUN, 1)
    proxy.idle_s = 1.0
    with clock.moved(broker_redis.IDLE_S + 1):
        gevent.sleep(1.2)
        began_s = clock.monotonic()
        assert broker.read_run(RUN, 1)
    assert clock.monotonic() - began_s < TIMEOUT_S
