"""SQLite's write-ahead log is moved beside the event loop, and only as long as the process serves."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import gevent
import pytest
from flask import Flask
from sqlalchemy import text

from tests.conftest import MakeApp
from zgpt.core.db import db, transaction
from zgpt.core.wal import WalMover, start_wal_mover, stop_wal_mover

WAIT_S = 5.0


@pytest.fixture
def database(app: Flask) -> Iterator[Path]:
    with app.app_context():
        with transaction():
            db.session.execute(text("CREATE TABLE notes (words TEXT)"))
        yield Path(str(db.engine.url.database))


def _write(words: str) -> None:
    with transaction():
        db.session.execute(text("INSERT INTO notes VALUES (:words)"), {"words": words})


def _without_log(database: Path, folder: Path) -> list[str]:
    """What the database file holds by itself; nothing while it is being written."""
    alone = folder / "alone.db"
    shutil.copyfile(database, alone)
    with closing(sqlite3.connect(alone)) as connection, suppress(sqlite3.DatabaseError):
        return [words for (words,) in connection.execute("SELECT words FROM notes")]
    return []


def test_what_was_committed_is_moved_into_the_database_file(database: Path, tmp_path: Path) -> None:
    _write("kept")
    assert WalMover(database).move()
    assert _without_log(database, tmp_path) == ["kept"]


def test_a_log_that_has_not_changed_is_left_alone(database: Path) -> None:
    mover = WalMover(database)
    assert mover.move()
    assert not mover.move()
    _write("more")
    assert mover.move()


def test_a_reader_is_not_waited_for_and_what_it_needs_stays(database: Path, tmp_path: Path) -> None:
    mover = WalMover(database)
    mover.move()
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT count(*) FROM notes").fetchone()
        _write("behind the reader's back")
        with gevent.Timeout(WAIT_S):
            assert mover.move()
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == before


def test_a_move_that_fails_is_told_in_the_log_and_tried_again_with_the_next_write(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken, wal = tmp_path / "broken.db", tmp_path / "broken.db-wal"
    broken.write_bytes(b"not a database" * 100)
    mover = WalMover(broken)
    for _ in range(2):
        wal.write_bytes(b"x")
        assert not mover.move()
    assert caplog.text.count("wal_not_moved") == 2


def test_it_works_by_itself_until_it_is_told_to_stop(database: Path, tmp_path: Path) -> None:
    mover = WalMover(database, every_s=0.01)
    working = gevent.spawn(mover.run)
    _write("kept")
    with gevent.Timeout(WAIT_S):
        while _without_log(database, tmp_path) != ["kept"]:
            gevent.sleep(0.01)
    mover.stop()
    working.get(timeout=WAIT_S)


def test_a_process_that_serves_moves_it_until_it_ends(app: Flask, database: Path) -> None:
    start_wal_mover(app, app.config["ZGPT"])
    mover: WalMover = app.extensions["zgpt_wal_mover"]
    assert mover.move()
    stop_wal_mover(app)


def test_there_is_nothing_to_move_on_postgresql(make_app: MakeApp, postgres_url: str) -> None:
    app = make_app(DATABASE_URL=postgres_url)
    start_wal_mover(app, app.config["ZGPT"])
    stop_wal_mover(app)
    assert "zgpt_wal_mover" not in app.extensions
