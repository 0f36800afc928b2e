"""Writing to real databases: all or nothing, then the rest; and trouble told in words."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from tests.support.processes import polls
from zgpt.auth.models import Login, User
from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock
from zgpt.core.bounded import PING_S
from zgpt.core.db import begin_read, db, transaction
from zgpt.core.errors import Unavailable
from zgpt.runs.models import Run

MakeApp = Callable[..., Flask]


@pytest.fixture
def both(make_app: MakeApp, db_url: str) -> Iterator[Flask]:
    app = make_app(DATABASE_URL=db_url, DATABASE_STATEMENT_TIMEOUT_MS="1000")
    with app.app_context():
        yield app


@pytest.fixture
def on_postgres(make_app: MakeApp, postgres_url: str) -> Iterator[str]:
    with make_app(DATABASE_URL=postgres_url, DATABASE_STATEMENT_TIMEOUT_MS="1000").app_context():
        yield postgres_url.replace("+psycopg", "")


@pytest.fixture
def on_sqlite(make_app: MakeApp) -> Iterator[Path]:
    app = make_app()
    with app.app_context():
        yield app.config["ZGPT"].instance_dir / "zgpt.db"


def users() -> list[str | None]:
    db.session.rollback()
    return list(db.session.scalars(select(User.email).order_by(User.email)))


def test_what_was_collected_runs_after_the_commit(both: Flask) -> None:
    seen: list[list[str | None]] = []

    def look() -> None:
        with db.engine.connect() as other:
            seen.append(list(other.execute(select(User.email)).scalars()))

    with transaction() as after:
        db.session.add(User(email="a@b.c"))
        after(look)
        assert seen == []
    assert seen == [["a@b.c"]]


def test_an_error_undoes_all_and_nothing_collected_runs(both: Flask) -> None:
    def act() -> None:
        with transaction() as after:
            db.session.add(User(email="a@b.c"))
            db.session.flush()
            after(lambda: pytest.fail("must not run"))
            raise KeyError

    with pytest.raises(KeyError):
        act()
    assert users() == []


def test_a_transaction_inside_another_is_committed_by_the_outer_one(both: Flask) -> None:
    order: list[str] = []

    def fail_outside() -> None:
        with transaction():
            with transaction() as after:
                db.session.add(User(email="inner@b.c"))
                after(lambda: order.append("never"))
            raise KeyError

    with pytest.raises(KeyError):
        fail_outside()
    assert users() == []
    with transaction() as after:
        after(lambda: order.append("outer"))
        with transaction() as inner_after:
            db.session.add(User(email="inner@b.c"))
            inner_after(lambda: order.append("inner"))
        assert order == []
    assert (users(), order) == (["inner@b.c"], ["outer", "inner"])


def test_what_was_collected_runs_to_the_end_even_if_one_of_it_fails(both: Flask) -> None:
    order: list[str] = []
    no_names: dict[str, str] = {}

    def act() -> None:
        with transaction() as after:
            db.session.add(User(email="a@b.c"))
            after(lambda: order.append("first"))
            after(lambda: no_names["missing"])
            after(lambda: order.append("last"))

    with pytest.raises(KeyError):
        act()
    assert (order, users()) == (["first", "last"], ["a@b.c"])


def test_what_was_read_before_is_read_again_inside(both: Flask) -> None:
    with transaction():
        db.session.add(User(email="a@b.c", revision=1))
    user = db.session.scalars(select(User)).one()
    db.session.commit()
    with db.engine.begin() as other:
        other.execute(text("UPDATE users SET revision = 7"))
    db.session.scalars(select(User.id)).all()
    with transaction():
        user.revision += 1
    assert db.session.scalar(select(User.revision)) == 8


def test_what_was_added_but_not_flushed_before_is_written_too(both: Flask) -> None:
    db.session.scalars(select(User.id)).all()
    db.session.add(User(email="a@b.c"))
    with transaction():
        db.session.add(User(email="b@b.c"))
    assert users() == ["a@b.c", "b@b.c"]


def test_a_failure_leaves_the_session_usable(both: Flask) -> None:
    with pytest.raises(Exception, match=r"(?i)unique"), transaction():
        db.session.add_all([User(email="a@b.c"), User(email="a@b.c")])
    with transaction():
        db.session.add(User(email="a@b.c"))
    assert users() == ["a@b.c"]


def test_owners_are_written_before_what_they_own_in_whatever_order_they_were_added(both: Flask) -> None:
    with transaction():
        user, chat = User(id=_id(1)), ChatSession(id=_id(2), user_id=_id(1))
        question = Message(id=_id(3), session_id=_id(2), role="user")
        run = Run(message_id=_id(3), session_id=_id(2), user_id=_id(1))
        login = Login(user_id=_id(1), token_hash="x", expires_at=clock.now())
        db.session.add_all([run, login, question, chat, user])
    assert db.session.scalar(select(Run.status)) == "queued"


def test_deleting_a_user_takes_all_that_is_theirs(both: Flask) -> None:
    test_owners_are_written_before_what_they_own_in_whatever_order_they_were_added(both)
    with transaction():
        db.session.execute(text("DELETE FROM users"))
    for table in (Login, ChatSession, Message, Run):
        assert db.session.scalars(select(table)).all() == []


def test_times_come_back_aware_and_to_the_microsecond(both: Flask) -> None:
    moment = clock.now()
    with transaction():
        db.session.add(User(email="a@b.c", created_at=moment))
    assert db.session.scalar(select(User.created_at)) == moment
    with pytest.raises(Exception, match="must be aware"):
        db.session.scalars(select(User).where(User.created_at < moment.replace(tzinfo=None))).all()


def test_a_statement_of_ours_that_is_wrong_is_not_called_unavailable(both: Flask) -> None:
    with pytest.raises((OperationalError, ProgrammingError)), transaction():
        db.session.execute(text("SELECT * FROM nowhere"))


def test_a_locked_sqlite_is_told_as_unavailable_within_half_a_second(on_sqlite: Path) -> None:
    holder = sqlite3.connect(on_sqlite, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    started_s = clock.monotonic()
    with pytest.raises(Unavailable) as caught, transaction():
        db.session.add(User(email="a@b.c"))
    assert caught.value.retryable
    assert clock.monotonic() - started_s < 0.5
    assert users() == []
    holder.execute("ROLLBACK")
    holder.close()
    with transaction():
        db.session.add(User(email="a@b.c"))


def test_a_full_disk_is_told_as_unavailable_and_nothing_is_half_written(on_sqlite: Path) -> None:
    pages = db.session.scalar(text("PRAGMA page_count"))
    db.session.execute(text(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(Unavailable), transaction():
        db.session.add_all([User(email=f"{n}@b.c", name="x" * 100) for n in range(1_000)])
    assert users() == []


def test_a_read_before_does_not_keep_sqlite_from_writing_what_others_changed_since(on_sqlite: Path) -> None:
    assert users() == []
    db.session.scalars(select(User)).all()
    with sqlite3.connect(on_sqlite) as other:
        other.execute("INSERT INTO chores VALUES ('x', '2026-11-22')")
    other.close()
    with transaction():
        db.session.add(User(email="a@b.c"))
    assert users() == ["a@b.c"]


def test_sqlite_is_opened_with_wal_foreign_keys_and_a_short_wait(on_sqlite: Path) -> None:
    names = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
    assert [db.session.scalar(text(f"PRAGMA {name}")) for name in names] == ["wal", 1, 1, 250]


def test_postgresql_ends_a_long_statement_and_it_is_told_as_unavailable(on_postgres: str) -> None:
    with pytest.raises(Unavailable), transaction():
        db.session.execute(text("SELECT pg_sleep(5)"))
    assert users() == []


def test_postgresql_ends_an_abandoned_transaction(on_postgres: str) -> None:
    assert db.session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "2s"


def test_a_lost_connection_is_told_as_unavailable_and_the_next_one_is_fresh(on_postgres: str) -> None:
    def lose_it() -> None:
        with transaction():
            pid = db.session.scalar(text("SELECT pg_backend_pid()"))
            with psycopg.connect(on_postgres, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
            db.session.add(User(email="a@b.c"))

    with pytest.raises(Unavailable):
        lose_it()
    with transaction():
        db.session.add(User(email="b@b.c"))
    assert users() == ["b@b.c"]


def test_connections_that_died_in_the_pool_are_replaced_unseen(on_postgres: str) -> None:
    users()
    db.session.remove()
    ours = "FROM pg_stat_activity WHERE application_name = 'zgpt' AND datname = current_database()"
    with psycopg.connect(on_postgres, autocommit=True) as admin:
        admin.execute(f"SELECT pg_terminate_backend(pid) {ours}")
        assert any(not admin.execute(f"SELECT pid {ours}").fetchall() for _ in polls(5))
    assert users() == []


def _state_of_ours(url: str) -> tuple[str]:
    """What PostgreSQL says that the session's connection does, after a read."""
    pid = db.session.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(url) as admin:
        found: tuple[str] | None = admin.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
    assert found
    return found


def test_who_only_reads_has_no_transaction_open_on_postgresql(on_postgres: str) -> None:
    begin_read()
    assert _state_of_ours(on_postgres) == ("idle",)
    with transaction():
        db.session.add(User(email="a@b.c"))
    assert users() == ["a@b.c"]
    assert _state_of_ours(on_postgres) == ("idle in transaction",)


def test_a_long_read_alone_is_given_as_much_time_as_any(make_app: MakeApp, postgres_url: str) -> None:
    app = make_app(DATABASE_URL=postgres_url, DATABASE_STATEMENT_TIMEOUT_MS="5000")
    with app.app_context():
        begin_read()
        db.session.execute(text(f"SELECT pg_sleep({PING_S + 0.3})"))


def test_who_only_reads_sees_one_moment_on_sqlite(make_app: MakeApp) -> None:
    app = make_app()
    with app.app_context():
        begin_read()
        assert db.session.scalars(select(User.email)).all() == []
        with db.engine.begin() as other:
            other.execute(insert(User).values(email="a@b.c"))
        assert db.session.scalars(select(User.email)).all() == []
        assert users() == ["a@b.c"]


def _id(number: int) -> str:
    return f"01900000-0000-7000-8000-00000000000{number}"
