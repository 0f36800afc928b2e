"""The audit log."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from zgpt.core import audit, clock
from zgpt.core.audit_chain import parse_head
from zgpt.core.audit_failures import PER_USER, WINDOW_S
from zgpt.core.audit_heads import export_head, heads_path
from zgpt.core.db import db, transaction
from zgpt.core.models import AuditEvent

USER = "01900000-0000-7000-8000-000000000001"


@pytest.fixture
def on_both(make_app: Callable[..., Flask], db_url: str) -> Iterator[Flask]:
    app = make_app(DATABASE_URL=db_url)
    with app.app_context():
        yield app


def events() -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


def test_an_event_is_kept_with_time_address_and_detail_without_secrets(on_both: Flask) -> None:
    with on_both.test_request_context(environ_overrides={"REMOTE_ADDR": "192.0.2.7"}):
        with transaction():
            audit.record("signed_up", USER, number=1, password="hunter2")
        (event,) = events()
    assert (event.kind, event.user_id, event.ip) == ("signed_up", USER, "192.0.2.7")
    assert event.detail == {"number": 1, "password": "[redacted]"}
    assert event.at.tzinfo


def test_an_event_of_what_failed_is_not_kept(on_both: Flask) -> None:
    def sign_up() -> None:
        with transaction():
            audit.record("signed_up", USER)
            raise KeyError

    with pytest.raises(KeyError):
        sign_up()
    assert events() == []


def test_an_event_outlives_its_user(on_both: Flask) -> None:
    with transaction():
        audit.record("account_deleted", USER)
    assert [event.kind for event in events()] == ["account_deleted"]


def test_the_lines_of_one_transaction_follow_each_other(on_both: Flask) -> None:
    with transaction():
        audit.record("signed_up", USER)
        audit.record("signed_in", USER)
    first, second = events()
    assert (first.sequence, second.sequence, second.previous_hash) == (1, 2, first.hash)


def test_an_event_outside_of_a_transaction_is_a_fault_of_ours(on_both: Flask) -> None:
    with pytest.raises(RuntimeError, match="inside of a transaction"):
        audit.record("signed_up", USER)


def test_of_many_failures_the_first_are_lines_and_the_others_a_number(app: Flask) -> None:
    with app.app_context():
        for _ in range(PER_USER + 5):
            with transaction():
                audit.record("sign_in_failed", USER)
        assert len(events()) == PER_USER
        with clock.moved(WINDOW_S + 1), transaction():
            audit.record("sign_in_failed", USER)
        assert events()[-1].detail == {"unwritten": 5}


def test_sec_15_failures_of_nobodys_account_are_bounded_like_those_of_somebodys(app: Flask) -> None:
    for number in range(PER_USER + 5):
        with app.test_request_context(environ_overrides={"REMOTE_ADDR": f"192.0.2.{number}"}), transaction():
            audit.record_failure("sign_in_failed", None, "nobody@example.org")
    with app.app_context():
        assert len(events()) == PER_USER
        assert "nobody" not in str([event.detail for event in events()])


def test_a_head_that_was_cut_off_keeps_no_later_one_from_being_written(app: Flask) -> None:
    with app.app_context():
        with transaction():
            audit.record("signed_up", USER)
        assert export_head()
        whole = heads_path().read_text()
        heads_path().write_text(whole[:-20])
        assert export_head()
        assert heads_path().read_text().splitlines()[0] == whole[:-20]
        assert parse_head(heads_path().read_text().splitlines()[1]).sequence == 1
        assert not export_head()
