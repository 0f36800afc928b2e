"""What a process may show when its lease is in doubt: a key that it made itself proves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import gevent
import pytest
import redis

from tests.realtime.redis_house import Process, wait
from tests.support.delivery import RUN, SESSION, Link, head
from tests.support.proxy import Proxy
from tests.support.services import RedisServer
from zgpt.core import clock
from zgpt.realtime import broker_redis, bus
from zgpt.realtime.redis_lease import Enter
from zgpt.realtime.redis_writer import SURE_S

TICK_S = 0.05


class Owner(Process):
    """A process that writes a run, reaches Redis through a proxy, and whose database is away."""

    def __init__(self, server: RedisServer, proxy: Proxy) -> None:
        super().__init__(proxy.url(server.url))
        self.proxy, self.said = proxy, ""
        self.asked: list[float] = []
        self.broker.lease.on_doubt = lambda: self.asked.append(clock.monotonic())
        self.start()
        self.link: Link = self.view(SESSION)[1]
        self.broker.open_run(head(), {})
        self.say("shown ")
        wait(lambda: self.shown)

    @property
    def shown(self) -> str:
        return self.link.text()

    def say(self, text: str) -> None:
        self.broker.append(RUN, 1, "text", len(self.said), text.encode())
        self.said += text

    def renews(self) -> None:
        """Wait for renewals that are sent from now on."""
        since_s = clock.monotonic()
        wait(lambda: self.broker.lease._renewed_s > since_s + 2 * TICK_S)

    def cut_off(self) -> None:
        """Nothing comes from Redis any more."""
        self.proxy.swallows = True
        wait(lambda: self.broker.away)


@pytest.fixture
def owner(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Owner]:
    monkeypatch.setattr(broker_redis, "RETRY_S", TICK_S)
    monkeypatch.setattr(bus, "RENEW_S", TICK_S)
    with Proxy(redis_server.port) as proxy:
        made = Owner(redis_server, proxy)
        with closing(made.broker):
            yield made


def lose_the_key(owner: Owner, server: RedisServer) -> None:
    """The lease expired, as it does in a process that stands still; it is back before anybody is asked."""
    key = bus.process_key(owner.broker.process_id)
    with redis.Redis.from_url(server.url) as operator:
        operator.delete(key)
        wait(lambda: owner.asked and operator.exists(key))


def test_a_lease_without_a_gap_is_enough_to_show_what_redis_cannot_hold(owner: Owner) -> None:
    with clock.moved(SURE_S + 1):
        owner.renews()
        owner.cut_off()
        owner.say("at once")
        wait(lambda: owner.shown == owner.said)
    assert owner.asked == []


def test_a_key_that_the_process_made_itself_confirms_nothing(owner: Owner, redis_server: RedisServer) -> None:
    lose_the_key(owner, redis_server)
    with clock.moved(SURE_S + 1):
        owner.renews()
        assert not owner.broker._writer.sure
        owner.cut_off()
        owner.say("in doubt")
        gevent.sleep(4 * TICK_S)
        assert owner.shown == "shown "
        owner.broker.lease.confirm(clock.monotonic())
        wait(lambda: owner.shown == owner.said)


def test_the_key_confirms_again_once_the_database_has(owner: Owner, redis_server: RedisServer) -> None:
    lose_the_key(owner, redis_server)
    owner.broker.lease.confirm(clock.monotonic())
    with clock.moved(SURE_S + 1):
        owner.renews()
        wait(lambda: owner.broker._writer.sure)


def test_what_the_database_said_before_the_key_was_back_is_too_old(owner: Owner, redis_server: RedisServer) -> None:
    before_s = clock.monotonic()
    lose_the_key(owner, redis_server)
    owner.broker.lease.confirm(before_s)
    with clock.moved(SURE_S + 1):
        owner.renews()
        assert not owner.broker._writer.sure


def test_a_process_that_stood_still_shows_nothing_of_a_run_that_was_taken_although_redis_was_emptied(
    owner: Owner, redis_server: RedisServer
) -> None:
    with closing(Process(redis_server.url).start().broker) as other:
        assert other.take_run(RUN, 2) is not None
    with redis.Redis.from_url(redis_server.url) as operator:
        operator.flushall()
    wait(lambda: owner.asked)
    with clock.moved(SURE_S + 1):
        owner.say("never shown")
        owner.renews()
        assert (owner.shown, owner.broker.read_run(RUN, 1)) == ("shown ", None)
        owner.broker.abandon(RUN, 1)
        owner.broker.lease.confirm(clock.monotonic())
        owner.renews()
    assert owner.shown == "shown "


def test_who_is_cut_off_from_redis_shows_what_the_database_holds_and_no_more(owner: Owner) -> None:
    owner.cut_off()
    with clock.moved(SURE_S + 1):
        owner.say("kept ")
        gevent.sleep(TICK_S)
        kept_s = clock.monotonic()
        owner.say("and more")
        gevent.sleep(TICK_S)
        assert owner.shown == "shown "
        owner.broker.lease.confirm(kept_s)
        wait(lambda: owner.shown == "shown kept ")
        gevent.sleep(TICK_S)
        assert owner.shown == "shown kept "
        owner.broker.lease.confirm(clock.monotonic())
        wait(lambda: owner.shown == owner.said)


def test_who_comes_back_without_its_key_writes_nothing_before_the_database_has_answered(
    owner: Owner, redis_server: RedisServer
) -> None:
    owner.cut_off()
    with redis.Redis.from_url(redis_server.url) as operator:
        operator.flushall()
    with clock.moved(SURE_S + 1):
        owner.say("held back")
        owner.proxy.swallows = False
        wait(lambda: len(owner.asked) > 2)
        assert owner.broker.away
        owner.broker.lease.confirm(clock.monotonic())
        wait(lambda: not owner.broker.away)
        wait(lambda: owner.broker.read_run(RUN, 1) == {"text": owner.said.encode(), "reasoning": b""})


def test_a_key_that_redis_refuses_to_take_is_not_there() -> None:
    entered: list[bool] = []
    assert Enter("process", lambda: entered.append(True)).done(MemoryError("OOM"))
    assert entered == []
