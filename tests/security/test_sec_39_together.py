"""Check 39, with several at once: two processes write one chain, and the role that serves cannot change it."""

import os
import secrets
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import exc as sa_exc
from sqlalchemy import func, select, text

from tests.security.audit_writer import GREENLETS
from tests.security.tampering import USER, verdict_of, write_lines
from zgpt.core import audit
from zgpt.core.db import db, transaction
from zgpt.core.models import AuditEvent

ROOT = Path(__file__).parents[2]
LINES = 25
PROCESSES = 2
GRANTS = (ROOT / "docs" / "database-roles.sql").read_text(encoding="utf-8")


@pytest.fixture
def on_both(make_app: Callable[..., Flask], db_url: str) -> Iterator[Flask]:
    app = make_app(DATABASE_URL=db_url)
    with app.app_context():
        yield app


def test_sec_39_two_processes_that_write_at_once_make_one_whole_chain(on_both: Flask, db_url: str) -> None:
    env = {**os.environ, "DATABASE_URL": db_url, "INSTANCE_DIR": on_both.instance_path}
    argv = [sys.executable, "-m", "tests.security.audit_writer", str(LINES)]
    writing = [subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) for _ in range(PROCESSES)]
    assert [process.wait(timeout=90) for process in writing] == [0] * PROCESSES
    status, words = verdict_of(on_both)
    assert status == 0, words
    assert words.startswith(f"Whole: {PROCESSES * GREENLETS * LINES} lines")


def test_sec_39_one_who_writes_waits_for_nobody_but_the_head(on_both: Flask) -> None:
    with transaction():
        audit.record("signed_in", USER)
        # Not before the end: another transaction may take the head while this one is still at work.
        assert db.session.scalar(select(func.count()).select_from(AuditEvent)) == 0
    assert db.session.scalar(select(func.count()).select_from(AuditEvent)) == 1


@pytest.fixture
def serving_role(make_app: Callable[..., Flask], postgres_url: str) -> Iterator[str]:
    """A role with what docs/database-roles.sql grants, and nothing else."""
    role = f"zgpt_app_{secrets.token_hex(4)}"
    with make_app(DATABASE_URL=postgres_url).app_context():
        with db.engine.begin() as connection:
            for statement in GRANTS.replace("zgpt_app", role).split(";"):
                if statement.strip():
                    connection.execute(text(statement))
        yield role
        db.session.rollback()
        with db.engine.begin() as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


def test_sec_39_the_role_that_serves_can_write_lines_and_change_none(serving_role: str) -> None:
    with transaction():
        db.session.execute(text(f"SET LOCAL ROLE {serving_role}"))
        audit.record("signed_in", USER)
    refused = (
        *("UPDATE audit_events SET kind = 'x'", "DELETE FROM audit_events", "TRUNCATE audit_events"),
        *("ALTER TABLE audit_events DISABLE TRIGGER ALL", "UPDATE alembic_version SET version_num = '0'"),
    )
    for statement in refused:
        with pytest.raises(sa_exc.ProgrammingError, match=r"denied|must be owner"):
            _run_as(serving_role, statement)


def test_sec_39_reading_the_log_over_takes_no_more_memory_for_a_longer_one(app: Flask) -> None:
    with app.app_context():
        write_lines(40)
        peaks = []
        for _ in range(2):
            tracemalloc.start()
            verdict_of(app)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            write_lines(800)
        assert peaks[1] < peaks[0] + 2_000_000


def _run_as(role: str, statement: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(text(f"SET LOCAL ROLE {role}"))
        connection.execute(text(statement))
