"""Alive, ready, and the numbers."""

import sqlite3
from collections.abc import Callable

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from tests.support.services import RedisServer
from zgpt.core import clock, metrics
from zgpt.core.readiness import GOOD_FOR_S, add_check

MakeApp = Callable[..., Flask]


def test_alive_asks_nobody_else(make_app: MakeApp) -> None:
    client = make_app(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").test_client()
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_ready_when_database_and_redis_answer(make_app: MakeApp, redis_url: str) -> None:
    answer = make_app(REDIS_URL=redis_url).test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready", "failed": {}})


def test_not_ready_while_the_database_is_away_and_quickly_told(make_app: MakeApp) -> None:
    started_s = clock.monotonic()
    answer = make_app(DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["failed"]) == (503, {"database": "OperationalError"})
    assert clock.monotonic() - started_s < 3


def test_not_ready_before_the_database_is_migrated(make_app: MakeApp) -> None:
    app = make_app()
    with sqlite3.connect(app.config["ZGPT"].instance_dir / "zgpt.db") as database:
        database.execute("DROP TABLE alembic_version")
    database.close()
    assert app.test_client().get("/readyz").status_code == 503


def test_degraded_but_in_service_while_redis_is_away(make_app: MakeApp, redis_server: RedisServer) -> None:
    client = make_app(REDIS_URL=redis_server.url).test_client()
    redis_server.kill9()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")
    assert list(answer.get_json()["failed"]) == ["redis"]
    redis_server.start()
    with clock.moved(GOOD_FOR_S):
        assert client.get("/readyz").get_json() == {"status": "ready", "failed": {}}


def test_who_asks_again_and_again_opens_no_connections(make_app: MakeApp, redis_server: RedisServer) -> None:
    client = make_app(REDIS_URL=redis_server.url).test_client()
    with redis.Redis.from_url(redis_server.url) as operator:
        assert client.get("/readyz").get_json()["status"] == "ready"
        before = operator.info("stats")["total_connections_received"]
        for seconds in range(1, 6):
            with clock.moved(seconds * GOOD_FOR_S):
                assert client.get("/readyz").get_json()["status"] == "ready"
        assert operator.info("stats")["total_connections_received"] == before


def test_a_part_can_add_a_check_of_its_own(app: Flask) -> None:
    def broken() -> None:
        raise RuntimeError("secret inside")

    add_check(app, "model", broken)
    answer = app.test_client().get("/readyz")
    assert answer.get_json()["failed"] == {"model": "RuntimeError"}


def test_metrics_are_shown_on_this_machine(client: FlaskClient) -> None:
    client.get("/api/v1/app")
    metrics.RUNS.labels("completed").inc()
    text = client.get("/metrics").text
    assert 'zgpt_runs_total{status="completed"}' in text
    assert 'zgpt_http_request_duration_seconds_count{method="GET",status="200",url_rule="/api/v1/app"} 1.0' in text
    assert "zgpt_connections " in text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_metrics_are_not_there_for_who_comes_through_a_proxy(client: FlaskClient, header: str) -> None:
    answer = client.get("/metrics", headers={header: "127.0.0.1"})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("address", ["192.0.2.1", "", "2001:db8::1"])
def test_metrics_are_not_there_for_other_machines(client: FlaskClient, address: str) -> None:
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": address}).status_code == 404


@pytest.mark.parametrize(("given", "status"), [("Bearer open sesame", 200), ("Bearer wrong", 404), ("", 404)])
def test_a_token_opens_the_metrics_from_anywhere(make_app: MakeApp, given: str, status: int) -> None:
    client = make_app(METRICS_TOKEN="open sesame").test_client()
    answer = client.get("/metrics", headers={"Authorization": given}, environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.status_code == status


def test_the_metrics_themselves_and_websockets_are_not_timed(client: FlaskClient) -> None:
    for path in ("/metrics", "/ws"):
        client.get(path)
    text = client.get("/metrics").text
    assert 'url_rule="/metrics"' not in text
    assert 'url_rule="/ws"' not in text


def test_every_metric_has_a_name_of_ours_and_words(client: FlaskClient) -> None:
    for metric in metrics.ALL:
        (family,) = metric.collect()
        assert family.name.startswith("zgpt_")
        assert family.documentation.endswith(".")
