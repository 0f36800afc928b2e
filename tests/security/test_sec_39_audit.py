"""Check 39: the audit log shows whatever is done to it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import exc as sa_exc
from sqlalchemy import select, text, update

from tests.security.tampering import USER, tamper, verdict_of, write_lines
from zgpt.core import audit, audit_chain, clock, ids
from zgpt.core.audit_chain import Line
from zgpt.core.audit_heads import export_head, heads_path
from zgpt.core.db import db, transaction
from zgpt.core.models import AuditEvent, AuditHead

SWAP = ("UPDATE audit_events SET sequence = -1 WHERE sequence = 3",
        "UPDATE audit_events SET sequence = 3 WHERE sequence = 4",
        "UPDATE audit_events SET sequence = 4 WHERE sequence = -1")  # fmt: skip
RENUMBERED = ("DELETE FROM audit_events WHERE sequence = 3",
              *(f"UPDATE audit_events SET sequence = {n - 1} WHERE sequence = {n}" for n in range(4, 8)))  # fmt: skip
CUT = ("DELETE FROM audit_events WHERE sequence > 5",)
HEAD_AT_5 = "UPDATE audit_heads SET sequence = 5, hash = (SELECT hash FROM audit_events WHERE sequence = 5)"


@pytest.fixture
def on_both(make_app: Callable[..., Flask], db_url: str) -> Iterator[Flask]:
    app = make_app(DATABASE_URL=db_url)
    with app.app_context():
        write_lines(7)
        yield app


def test_sec_39_a_log_that_nobody_touched_is_whole(on_both: Flask) -> None:
    assert export_head()
    write_lines(3)
    status, words = verdict_of(on_both)
    assert (status, words.splitlines()[0]) == (0, "Whole: 10 lines, held against 1 heads.")


@pytest.mark.parametrize(
    ("what", "line"),
    [
        (("UPDATE audit_events SET kind = 'signed_out' WHERE sequence = 4",), 4),
        (("UPDATE audit_events SET at = '2026-01-01 00:00:00+00:00' WHERE sequence = 2",), 2),
        (("UPDATE audit_events SET ip = '203.0.113.1' WHERE sequence = 5",), 5),
        (("UPDATE audit_events SET user_id = NULL WHERE sequence = 1",), 1),
        (("UPDATE audit_events SET detail = '{\"number\": 99}' WHERE sequence = 6",), 6),
        (("UPDATE audit_events SET previous_hash = hash WHERE sequence = 6",), 6),
        (("DELETE FROM audit_events WHERE sequence = 1",), 1),
        (("DELETE FROM audit_events WHERE sequence = 3",), 3),
        (RENUMBERED, 3),
        (SWAP, 3),
        (CUT, 6),
        (("DELETE FROM audit_events",), 1),
    ],
)
def test_sec_39_the_first_line_that_is_not_as_it_was_is_named(on_both: Flask, what: tuple[str, ...], line: int) -> None:
    tamper(*what)
    status, words = verdict_of(on_both)
    assert status == 1
    assert f"line {line} " in words


def test_sec_39_a_tail_cut_off_with_its_head_is_found_by_the_head_outside(on_both: Flask, tmp_path: Path) -> None:
    kept = tmp_path / "head"
    kept.write_text(on_both.test_cli_runner().invoke(args=["audit", "head"]).output)
    tamper(*CUT, HEAD_AT_5)
    assert verdict_of(on_both)[0] == 0
    status, words = verdict_of(on_both, "--head", str(kept))
    assert status == 1
    assert "line 6 is missing" in words


def test_sec_39_an_old_table_played_back_and_written_on_is_found_by_the_hourly_head(on_both: Flask) -> None:
    export_head()
    tamper(*CUT, HEAD_AT_5)
    write_lines(4, kind="signed_out")
    status, words = verdict_of(on_both)
    assert status == 1
    assert "line 7 is not the one that the head of" in words


def test_sec_39_a_line_made_without_the_key_is_found(on_both: Flask) -> None:
    (last,) = db.session.scalars(select(AuditEvent).where(AuditEvent.sequence == 7))
    line = Line(ids.new_id(), clock.now(), "signed_in", USER, None, {})
    forged = audit_chain.digest(b"a guess at the key", 8, last.hash, line)
    db.session.add(AuditEvent(**AuditEvent.row_of(line, 8, last.hash, forged, last.key_id)))
    db.session.execute(update(AuditHead).values(sequence=8, hash=forged))
    db.session.commit()
    status, words = verdict_of(on_both)
    assert status == 1
    assert "line 8 was changed" in words


def test_sec_39_a_forged_or_foreign_head_is_refused(on_both: Flask, tmp_path: Path) -> None:
    forged = tmp_path / "head"
    genuine = on_both.test_cli_runner().invoke(args=["audit", "head"]).output
    forged.write_text(genuine.replace('"sequence":7', '"sequence":6'))
    status, words = verdict_of(on_both, "--head", str(forged))
    assert status == 1
    assert "not signed with this key" in words
    forged.write_text("hello\n")
    assert "cannot be used" in verdict_of(on_both, "--head", str(forged))[1]


@pytest.mark.parametrize("statement", ["UPDATE audit_events SET kind = 'x'", "DELETE FROM audit_events"])
def test_sec_39_the_database_itself_refuses_to_change_a_line(on_both: Flask, statement: str) -> None:
    with pytest.raises(sa_exc.DBAPIError, match="never changed or taken out"), db.engine.begin() as connection:
        connection.execute(text(statement))
    assert verdict_of(on_both)[0] == 0


def test_sec_39_without_its_head_nothing_is_done_that_must_be_recorded(on_both: Flask) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_heads"))
    with pytest.raises(RuntimeError, match="lost its head"), transaction():
        audit.record("signed_in", USER)
    assert "head of the chain is missing" in verdict_of(on_both)[1]


def test_sec_39_a_head_is_written_down_only_when_the_log_has_grown(on_both: Flask) -> None:
    assert [export_head(), export_head()] == [True, False]
    write_lines(1)
    assert export_head()
    assert len(heads_path().read_text().splitlines()) == 2
