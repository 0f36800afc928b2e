"""Redis frozen, killed, emptied and full: who is near the owner reads on, the others catch up, nothing is lost."""

from collections.abc import Iterator
from contextlib import closing

import gevent
import pytest
import redis

from tests.realtime.redis_house import Process, wait
from tests.support.delivery import RUN, SESSION, ended, head
from tests.support.services import RedisServer
from zgpt.core import clock
from zgpt.realtime import broker_redis
from zgpt.realtime.protocol import MessageDeleted
from zgpt.realtime.redis_writer import SURE_S

WORDS = [f"{number} ".encode() for number in range(20)]
WHOLE = b"".join(WORDS).decode()


class Pair:
    """The owner of a run and another process, each with a viewer of the session."""

    def __init__(self, url: str) -> None:
        self.owner, self.other = Process(url).start(), Process(url).start()
        self.near, self.far = self.owner.view(SESSION)[1], self.other.view(SESSION)[1]
        self.size = 0

    def begin(self) -> None:
        """The run is opened, and half of its words have been said and seen."""
        self.owner.broker.open_run(head(), {})
        self.say(WORDS[:10])
        wait(lambda: self.far.text() == self.near.text() == WHOLE[: self.size])

    def say(self, words: list[bytes]) -> None:
        for word in words:
            self.owner.broker.append(RUN, 1, "text", self.size, word)
            self.size += len(word)

    def close(self) -> None:
        for process in (self.owner, self.other):
            process.broker.close()


@pytest.fixture
def pair(redis_server: RedisServer) -> Iterator[Pair]:
    with closing(Pair(redis_server.url)) as made:
        made.begin()
        yield made
        redis_server.resume()


def test_while_redis_is_frozen_the_near_viewer_reads_on_and_the_far_one_catches_up(
    pair: Pair, redis_server: RedisServer
) -> None:
    redis_server.pause()
    pair.say(WORDS[10:])
    wait(lambda: pair.near.text() == WHOLE)
    assert pair.owner.broker.away
    assert pair.far.text() == WHOLE[: len(b"".join(WORDS[:10]))]
    redis_server.resume()
    wait(lambda: pair.far.text() == WHOLE)


def test_a_redis_that_comes_back_empty_is_filled_again(pair: Pair, redis_server: RedisServer) -> None:
    redis_server.kill9()
    pair.say(WORDS[10:15])
    wait(lambda: pair.owner.broker.away)
    redis_server.start()
    wait(lambda: not pair.owner.broker.away)
    pair.say(WORDS[15:])
    wait(lambda: pair.far.text() == pair.near.text() == WHOLE)
    late = pair.other.view(SESSION)[1]
    assert late.text() == WHOLE


def test_a_redis_that_was_emptied_is_filled_again_with_the_next_word(pair: Pair, redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as operator:
        operator.flushall()
    wait(lambda: pair.owner.broker.process_id in pair.owner.broker.living([pair.owner.broker.process_id]))
    pair.say(WORDS[10:])
    wait(lambda: pair.far.text() == pair.near.text() == WHOLE)


def test_a_redis_that_is_full_keeps_nobody_near_from_reading(pair: Pair, redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as operator:
        operator.config_set("maxmemory", "1mb")
        pair.say(WORDS[10:15])
        wait(lambda: pair.near.text() == WHOLE[: pair.size])
        pair.say(WORDS[15:])
        wait(lambda: pair.near.text() == WHOLE)
        assert not pair.owner.broker.away
        operator.config_set("maxmemory", "0")
    wait(lambda: pair.far.text() == WHOLE)


def test_an_end_that_could_not_be_said_is_said_when_redis_is_back(pair: Pair, redis_server: RedisServer) -> None:
    redis_server.kill9()
    pair.say(WORDS[10:])
    pair.owner.broker.end_run(RUN, 1, ended(1, WHOLE))
    wait(lambda: "run.completed" in pair.near.types)
    assert pair.near.text() == WHOLE
    redis_server.start()
    wait(lambda: "run.completed" in pair.far.types)
    assert pair.far.seen[-1]["message"]["text"] == WHOLE


def test_events_that_could_not_be_said_are_said_when_redis_is_back(pair: Pair, redis_server: RedisServer) -> None:
    link = pair.other.device("somebody")
    redis_server.pause()
    pair.say(WORDS[10:])
    wait(lambda: pair.owner.broker.away)
    pair.owner.broker.publish("somebody", None, MessageDeleted(SESSION, "m", 4))
    pair.owner.broker.revoke("somebody", None, 4501)
    redis_server.resume()
    wait(lambda: link.closed_with == 4501)
    assert link.types == ["message.deleted"]


def test_a_run_that_begins_while_redis_is_away_is_shown_here_at_once(pair: Pair, redis_server: RedisServer) -> None:
    redis_server.kill9()
    pair.say(WORDS[10:])
    wait(lambda: pair.owner.broker.away)
    pair.owner.broker.open_run(head(run_id="next"), {})
    for at, word in ((0, b"on "), (3, b"and on")):
        pair.owner.broker.append("next", 1, "text", at, word)
        assert pair.owner.run("next").parts["text"].data.endswith(word)
    redis_server.start()
    wait(lambda: pair.other.hub.live_run("next") and pair.other.run("next").parts["text"].data == b"on and on")


def test_a_process_that_stood_still_shows_nothing_before_it_knows_that_the_run_is_its_own(
    pair: Pair, redis_server: RedisServer
) -> None:
    asked: list[float] = []
    pair.owner.broker.lease.on_doubt = lambda: asked.append(clock.monotonic())
    redis_server.kill9()
    with clock.moved(SURE_S + 4):
        pair.say(WORDS[10:])
        wait(lambda: pair.owner.broker.away)
        gevent.sleep(0.1)
        assert pair.near.text() == WHOLE[: len(b"".join(WORDS[:10]))]
        pair.owner.broker.lease.confirm(clock.monotonic())
        wait(lambda: pair.near.text() == WHOLE)


def test_a_process_that_stood_still_asks_whose_its_runs_are_before_it_tells_a_redis_that_is_back(
    pair: Pair, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, asked = pair.owner.broker, []

    def confirm() -> None:
        asked.append((broker.away, pair.near.text()))
        broker.lease.confirm(clock.monotonic())

    broker.lease.on_doubt = confirm
    monkeypatch.setattr(broker_redis, "RETRY_S", 0.05)
    redis_server.kill9()
    with clock.moved(SURE_S + 4):
        pair.say(WORDS[10:])
        wait(lambda: broker.away)
        redis_server.start()
        wait(lambda: pair.near.text() == WHOLE and not broker.away)
    assert asked[0] == (True, WHOLE[: len(b"".join(WORDS[:10]))])


def test_what_a_process_was_not_sure_of_is_never_shown_once_it_is_known_to_be_lost(
    pair: Pair, redis_server: RedisServer
) -> None:
    redis_server.kill9()
    with clock.moved(SURE_S + 4):
        pair.say(WORDS[10:])
        wait(lambda: pair.owner.broker.away)
        pair.owner.broker.abandon(RUN, 1)
        pair.owner.broker.lease.confirm(clock.monotonic())
        assert pair.near.text() == WHOLE[: len(b"".join(WORDS[:10]))]


def test_who_may_have_missed_something_is_told_so_and_a_question_does_not_wait_long(
    pair: Pair, redis_server: RedisServer
) -> None:
    missed: list[bool] = []
    assert pair.other.ear is not None
    pair.other.ear.on_missed = lambda: missed.append(True)
    redis_server.kill9()
    began_s = clock.monotonic()
    for _ in range(20):
        pair.other.broker.prepare([head(2, "unknown")])
    assert clock.monotonic() - began_s < 3
    redis_server.start()
    wait(lambda: missed)


def test_a_process_that_starts_without_redis_shows_its_own_runs_and_joins_the_others_later(
    pair: Pair, redis_server: RedisServer
) -> None:
    redis_server.kill9()
    alone = Process(redis_server.url).start()
    with closing(alone.broker):
        link = alone.view(SESSION)[1]
        alone.broker.open_run(head(run_id="alone"), {})
        alone.broker.lease.confirm(clock.monotonic())
        wait(lambda: alone.hub.live_run("alone"))
        assert link.closed_with is None
        redis_server.start()
        wait(lambda: pair.other.hub.live_run("alone"))


def test_text_that_comes_in_the_round_trip_in_which_redis_goes_away_is_shown(
    pair: Pair, redis_server: RedisServer
) -> None:
    redis_server.pause()
    for word in WORDS[10:13]:
        pair.say([word])
        gevent.sleep(0.05)
    wait(lambda: pair.owner.broker.away)
    pair.say(WORDS[13:])
    wait(lambda: pair.near.text() == WHOLE)
