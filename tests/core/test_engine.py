"""Connections to a real PostgreSQL: who waits too long is let go in words, and who is away comes back."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import Any

import gevent
import psycopg
import pytest
from flask import Flask
from psycopg.waiting import Ready, Wait
from sqlalchemy import QueuePool, select, text

from tests.conftest import MakeApp
from tests.support.postgres import PostgresServer
from zgpt.auth.models import User
from zgpt.core import clock
from zgpt.core.bounded import BoundedConnection
from zgpt.core.chores import do_if_due
from zgpt.core.db import database_faults, db, transaction
from zgpt.core.engine import POOL_OVERFLOW, POOL_TIMEOUT_S
from zgpt.core.errors import Unavailable

STATEMENT_MS = 400


@pytest.fixture
def made(make_app: MakeApp, own_postgres_url: str) -> Flask:
    return make_app(
        DATABASE_URL=own_postgres_url, DATABASE_POOL_SIZE="1", DATABASE_STATEMENT_TIMEOUT_MS=str(STATEMENT_MS)
    )


@pytest.fixture
def app(made: Flask) -> Iterator[Flask]:
    with made.app_context():
        yield made


def write(what: Callable[[], None]) -> None:
    with transaction():
        what()


def test_a_statement_that_takes_too_long_is_ended_and_told_as_unavailable(app: Flask) -> None:
    began_s = clock.monotonic()
    with pytest.raises(Unavailable), transaction():
        db.session.execute(text("SELECT pg_sleep(20)"))
    assert clock.monotonic() - began_s < 3
    assert db.session.scalar(text("SELECT 1")) == 1


def test_a_wait_for_a_lock_ends_before_the_statement_would(app: Flask) -> None:
    with transaction():
        db.session.add(User(email="locked@example.org"))
    mine = select(User).where(User.email == "locked@example.org").with_for_update()
    with db.engine.connect() as other:
        other.execute(mine)
        began_s = clock.monotonic()
        with pytest.raises(Unavailable) as fault, transaction():
            db.session.execute(mine)
        waited_s = clock.monotonic() - began_s
    assert "lock timeout" in str(fault.value.__cause__)
    assert STATEMENT_MS / 2_000 * 0.9 < waited_s < STATEMENT_MS / 1_000


def test_a_transaction_that_stands_idle_is_ended_by_the_server_and_told_as_unavailable(
    app: Flask, own_postgres: PostgresServer
) -> None:
    def dawdle() -> None:
        pid = db.session.scalar(text("SELECT pg_backend_pid()"))
        with gevent.Timeout(10):
            while own_postgres.query("SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid):
                gevent.sleep(0.05)
        db.session.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        write(dawdle)
    assert db.session.scalar(text("SELECT 1")) == 1


def test_a_standby_is_told_as_unavailable_because_the_fail_over_may_end(app: Flask) -> None:
    def delete_on_a_standby() -> None:
        db.session.execute(text("SET TRANSACTION READ ONLY"))
        db.session.execute(text("DELETE FROM users"))

    with pytest.raises(Unavailable):
        write(delete_on_a_standby)


def _most() -> int:
    """Connections at once."""
    pool = db.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.size() + POOL_OVERFLOW


def test_who_finds_no_free_connection_hears_unavailable_soon(app: Flask) -> None:
    with ExitStack() as taken:
        for _ in range(_most()):
            taken.enter_context(db.engine.connect())
        began_s = clock.monotonic()
        with pytest.raises(Unavailable), transaction():
            pass
        assert clock.monotonic() - began_s < POOL_TIMEOUT_S + 1
    with transaction():
        pass


def test_who_waits_for_a_connection_is_not_overtaken(app: Flask) -> None:
    served: list[int] = []

    def ask(number: int) -> None:
        with app.app_context():
            db.session.execute(text("SELECT pg_sleep(0.002)"))
            served.append(number)

    gevent.joinall([gevent.spawn(ask, number) for number in range(200)], timeout=20, raise_error=True)
    late = [abs(place - number) for place, number in enumerate(served)]
    assert max(late) <= 2 * _most()


def test_a_database_that_is_gone_when_the_work_is_done_does_not_undo_it(
    made: Flask, own_postgres: PostgresServer
) -> None:
    with made.app_context():
        db.session.execute(text("SELECT 1"))
        own_postgres.stop()
    own_postgres.start()
    with made.app_context():
        assert db.session.scalar(text("SELECT 1")) == 1


def test_after_a_restart_of_the_server_the_next_transaction_succeeds(app: Flask, own_postgres: PostgresServer) -> None:
    assert db.session.scalar(text("SELECT 1")) == 1
    db.session.remove()
    own_postgres.stop()
    own_postgres.start()
    with transaction():
        assert db.session.scalar(text("SELECT 1")) == 1


def test_a_server_that_goes_away_inside_a_transaction_is_told_as_unavailable(
    app: Flask, own_postgres: PostgresServer
) -> None:
    def begin() -> None:
        db.session.add(User(email="halfway@example.org"))
        db.session.flush()
        own_postgres.stop()

    with pytest.raises(Unavailable):
        write(begin)
    with pytest.raises(Unavailable), transaction():
        pass
    own_postgres.start()
    with transaction():
        assert db.session.scalar(select(User).where(User.email == "halfway@example.org")) is None


def test_a_fault_of_ours_while_the_server_goes_away_is_told_as_unavailable_too(
    app: Flask, own_postgres: PostgresServer
) -> None:
    def fail() -> None:
        db.session.execute(text("SELECT 1"))
        own_postgres.stop()
        raise ValueError("whatever")

    with pytest.raises(Unavailable):
        write(fail)
    own_postgres.start()


def test_waiting_for_postgresql_lets_others_work(app: Flask) -> None:
    beats: list[float] = []

    def beat() -> None:
        while True:
            beats.append(clock.monotonic())
            gevent.sleep(0.01)

    heart: Any = gevent.spawn(beat)
    with pytest.raises(Unavailable), database_faults():
        db.session.execute(text("SELECT pg_sleep(20)"))
    heart.kill()
    assert len(beats) > STATEMENT_MS / 10 / 4


def test_what_is_given_up_has_no_last_word(app: Flask, capfd: pytest.CaptureFixture[str]) -> None:
    def batch() -> Generator[Wait, Ready | int, None]:
        try:
            yield Wait.R
        finally:
            raise psycopg.OperationalError("the connection is closed")

    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, BoundedConnection)
        with pytest.raises(psycopg.OperationalError, match="no answer in time"):
            driver.wait(batch(), timeout=0.05)
    gc.collect()
    assert "Exception ignored" not in capfd.readouterr().err


def test_a_chore_is_put_off_while_the_database_is_away(
    app: Flask, own_postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    db.session.remove()
    own_postgres.stop()
    try:
        assert not do_if_due(app, "prune")
    finally:
        own_postgres.start()
    assert "chore_put_off" in caplog.text
    assert "chore_failed" not in caplog.text
