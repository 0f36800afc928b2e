"""How often somebody may do something."""

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.people import Person
from tests.support.services import RedisServer
from zgpt.auth.access import signed_in as signed_in_view
from zgpt.core import clock, limits
from zgpt.core.db import db, transaction
from zgpt.core.errors import RateLimited, Unavailable
from zgpt.core.ids import new_id
from zgpt.core.limits import hit, limited
from zgpt.core.models import RateLimit

MakeApp = Callable[..., Flask]
SignedIn = Callable[..., Person]


@signed_in_view
@limited("messages")
def limited_view() -> str:
    return "ok"


def with_route(app: Flask) -> Flask:
    app.add_url_rule("/api/v1/limited", view_func=limited_view)
    return app


def refusals(ask: Callable[[], object], times: int) -> int:
    refused = 0
    for _ in range(times):
        try:
            ask()
        except RateLimited:
            refused += 1
    return refused


def report(app: Flask, address: str) -> TestResponse:
    return app.test_client().post(
        "/api/v1/client-errors", json={"message": "x"}, environ_overrides={"REMOTE_ADDR": address}
    )


def test_too_many_requests_are_refused_with_the_time_to_wait(app: Flask) -> None:
    answers = [report(app, "192.0.2.1") for _ in range(31)]
    assert [answer.status_code for answer in answers] == [204] * 30 + [429]
    assert answers[-1].get_json()["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61


def test_each_address_has_its_own_count_and_an_ipv6_network_only_one(app: Flask) -> None:
    for n in range(30):
        assert report(app, f"2001:db8:1:2::{n:x}").status_code == 204
    assert report(app, "2001:db8:1:2:ffff::1").status_code == 429
    assert report(app, "2001:db8:1:3::1").status_code == 204
    assert report(app, "192.0.2.9").status_code == 204


def test_a_signed_in_person_is_counted_as_themselves_wherever_they_are(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = with_route(make_app(LIMIT_MESSAGES="2 per minute"))
    ada, ben = signed_in(app=app), signed_in(app=app)

    def ask(person: Person, address: str) -> int:
        return person.client.get(
            "/api/v1/limited", headers=person.headers, environ_overrides={"REMOTE_ADDR": address}
        ).status_code

    assert [ask(ada, f"192.0.2.{n}") for n in range(3)] == [200, 200, 429]
    assert ask(ben, "192.0.2.1") == 200


def test_routes_and_commands_share_one_count(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = with_route(make_app(LIMIT_MESSAGES="3 per minute"))
    ada = signed_in(app=app)
    with app.app_context():
        hit("messages", ada.id, cost=2)
    assert [ada.client.get("/api/v1/limited", headers=ada.headers).status_code for _ in range(2)] == [200, 429]


def test_a_hit_that_is_refused_says_when_again(make_app: MakeApp) -> None:
    with make_app(LIMIT_MESSAGES="1 per minute").app_context():
        hit("messages", "somebody")
        with pytest.raises(RateLimited) as caught:
            hit("messages", "somebody")
        assert caught.value.retryable
        assert 1_000 <= (caught.value.retry_after_ms or 0) <= 61_000
        hit("messages", "somebody else")


def test_an_operator_can_give_one_person_another_rate(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_MESSAGES="1 per minute")
    ada, ben = signed_in(app=app), signed_in(app=app)
    with app.app_context():
        with transaction():
            db.session.add(RateLimit(user_id=ada.id, name="messages", amount=5, per_s=60))
        assert refusals(lambda: hit("messages", ada.id), 6) == 1
        assert refusals(lambda: hit("messages", ben.id), 2) == 1


def test_two_processes_share_a_count_in_redis(make_app: MakeApp, redis_url: str) -> None:
    one = make_app(REDIS_URL=redis_url, LIMIT_MESSAGES="3 per minute")
    with one.app_context():
        hit("messages", "somebody", cost=2)
    other = make_app(REDIS_URL=redis_url, LIMIT_MESSAGES="3 per minute")
    with other.app_context():
        assert refusals(lambda: hit("messages", "somebody"), 2) == 1


@pytest.mark.parametrize("trouble", [RedisServer.kill9, RedisServer.pause])
def test_while_redis_is_away_this_process_counts_alone_and_quickly(
    make_app: MakeApp, redis_server: RedisServer, trouble: Callable[[RedisServer], None]
) -> None:
    app = make_app(REDIS_URL=redis_server.url, LIMIT_MESSAGES="3 per minute")
    trouble(redis_server)
    with app.app_context():
        started_s = clock.monotonic()
        assert refusals(lambda: hit("messages", trouble.__name__), 5) == 2
        assert clock.monotonic() - started_s < 2 * limits.REDIS_TIMEOUT_S + 1
    assert report(app, "192.0.2.77").status_code == 204


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("rediss://user:secret@host:1/2", "rediss://user:secret@host:1/2"),
        ("unix:///run/redis.sock", "redis+unix:///run/redis.sock"),
        ("sentinel://:secret@one:1,two:2/main/3", "redis+sentinel://:secret@one:1,two:2/main"),
    ],
)
def test_every_kind_of_redis_address_is_said_in_the_words_of_the_counter(ours: str, theirs: str) -> None:
    assert limits._storage_url(ours) == theirs


def test_an_answer_says_how_much_is_left(make_app: MakeApp, signed_in: SignedIn) -> None:
    ada = signed_in(app=with_route(make_app(LIMIT_MESSAGES="2 per minute")))
    answers = [ada.client.get("/api/v1/limited", headers=ada.headers) for _ in range(3)]
    assert [answer.headers["RateLimit-Limit"] for answer in answers] == ["2", "2", "2"]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert all(0 <= int(answer.headers["RateLimit-Reset"]) <= 61 for answer in answers)
    assert answers[2].headers["Retry-After"]


def test_requests_of_one_person_are_counted_over_all_routes(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_REQUESTS="3 per minute")
    ada, ben = signed_in(app=app), signed_in(app=app)
    paths = ["/api/v1/sessions", "/api/v1/auth/me", "/api/v1/sessions", "/api/v1/auth/me"]
    answers = [ada.client.get(path, headers=ada.headers) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["RateLimit-Remaining"] == "0"
    assert ben.client.get("/api/v1/sessions", headers=ben.headers).status_code == 200


def test_requests_from_one_address_are_counted_whoever_sends_them(make_app: MakeApp) -> None:
    client = make_app(LIMIT_ADDRESSES="2 per minute").test_client()

    def ask(address: str, path: str = "/api/v1/app") -> int:
        return client.get(path, environ_overrides={"REMOTE_ADDR": address}).status_code

    assert [ask(f"2001:db8::{n}") for n in range(1, 4)] == [200, 200, 429]
    assert ask("2001:db8::9", "/healthz") == 200
    assert ask("192.0.2.1") == 200
    assert [ask("127.0.0.1") for _ in range(4)] == [200] * 4


def test_a_rate_of_one_person_is_noticed_within_seconds_without_asking_each_time(
    make_app: MakeApp, signed_in: SignedIn
) -> None:
    app = make_app(LIMIT_MESSAGES="1 per minute")
    ada = signed_in(app=app)
    with app.app_context():
        hit("messages", ada.id)
        with transaction():
            db.session.add(RateLimit(user_id=ada.id, name="messages", amount=5, per_s=60))
        assert refusals(lambda: hit("messages", ada.id), 1) == 1
        with clock.moved(limits.KNOWN_RATES_S + 0.1):
            assert refusals(lambda: hit("messages", ada.id), 1) == 0


def test_only_so_many_rates_of_single_persons_are_remembered(
    make_app: MakeApp, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    ada = signed_in(app=app)
    monkeypatch.setattr(limits, "KNOWN_RATES", 2)
    with app.app_context():
        with transaction():
            db.session.add(RateLimit(user_id=ada.id, name="messages", amount=5, per_s=60))
        for _ in range(5):
            limits.own_limit("messages", new_id())
        assert 1 <= len(app.extensions["known_rates"]) <= 2
        assert limits.own_limit("messages", ada.id) == (5, 60)


def test_where_nobody_has_a_rate_of_their_own_not_each_user_is_looked_up(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, asked = make_app(), list[str]()
    monkeypatch.setattr(limits, "_read_own", lambda _name, user_id: asked.append(user_id))
    with app.app_context():
        assert [limits.own_limit("messages", new_id()) for _ in range(5)] == [None] * 5
    assert asked == []


def test_a_store_that_goes_away_after_the_count_takes_no_answer_with_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(limits.limiter.limiter, "get_window_stats", gone)
    answer = report(app, "192.0.2.1")
    assert answer.status_code == 204
    assert "RateLimit-Limit" not in answer.headers
