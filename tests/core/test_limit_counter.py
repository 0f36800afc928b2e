"""Counting while Redis is there, and while it is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from limits import parse
from limits.storage import MemoryStorage

from tests.support.people import Person
from tests.support.services import RedisServer
from zgpt.core import clock, metrics
from zgpt.core.errors import RateLimited, Unavailable
from zgpt.core.limit_counter import EXACT_MOST, STORE_PAUSE_S, PatientCounter
from zgpt.core.limits import hit

MakeApp = Callable[..., Flask]
SignedIn = Callable[..., Person]


def judged(policy: str) -> float:
    return float(metrics.LIMITS_WITHOUT_STORE.labels(policy)._value.get())


def test_open_lets_everything_pass_while_redis_is_away(make_app: MakeApp, redis_server: RedisServer) -> None:
    app = make_app(REDIS_URL=redis_server.url, LIMIT_MESSAGES="1 per minute", LIMITS_WITHOUT_REDIS="open")
    redis_server.kill9()
    before = judged("open")
    with app.app_context():
        for _ in range(5):
            hit("messages", "somebody")
    assert judged("open") == before + 5


def test_closed_refuses_with_the_time_to_come_back(make_app: MakeApp, redis_server: RedisServer) -> None:
    app = make_app(REDIS_URL=redis_server.url, LIMITS_WITHOUT_REDIS="closed")
    redis_server.kill9()
    with app.app_context(), pytest.raises(Unavailable) as caught:
        hit("messages", "somebody")
    assert caught.value.retryable
    assert caught.value.retry_after_ms == STORE_PAUSE_S * 1_000


def test_closed_answers_a_limited_route_with_503(make_app: MakeApp, redis_server: RedisServer) -> None:
    app = make_app(REDIS_URL=redis_server.url, LIMITS_WITHOUT_REDIS="closed")
    redis_server.kill9()
    account = {"email": "ada@example.org", "password": "correct horse battery staple"}
    answer = app.test_client().post("/api/v1/auth/login", json=account)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")


def test_redis_counts_again_when_it_is_back(make_app: MakeApp, redis_server: RedisServer) -> None:
    app = make_app(REDIS_URL=redis_server.url, LIMIT_MESSAGES="1 per minute", LIMITS_WITHOUT_REDIS="open")
    with app.app_context():
        redis_server.kill9()
        hit("messages", "somebody")
        redis_server.start()
        with clock.moved(STORE_PAUSE_S + 0.1):
            hit("messages", "somebody")
            with pytest.raises(RateLimited):
                hit("messages", "somebody")


@pytest.mark.parametrize("amount", [EXACT_MOST, EXACT_MOST + 1])
def test_small_and_large_amounts_are_counted_to_the_last(amount: int) -> None:
    counter, item = PatientCounter(MemoryStorage()), parse(f"{amount} per hour")
    assert [counter.hit(item, "somebody") for _ in range(amount)] == [True] * amount
    assert not counter.hit(item, "somebody")
    assert not counter.test(item, "somebody")
    assert counter.get_window_stats(item, "somebody").remaining == 0
    assert counter.hit(item, "somebody else")
