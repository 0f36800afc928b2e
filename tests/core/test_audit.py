"""The audit log."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from zgpt.core import audit
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
    with on_both.test_request_context(environ_overrides={"REMOTE_ADDR": "192.0.2.7"}), transaction():
        audit.record("signed_up", USER, name="Ada", password="hunter2")
        db.session.flush()
        (event,) = events()
        assert (event.kind, event.user_id, event.ip) == ("signed_up", USER, "192.0.2.7")
        assert event.detail == {"name": "Ada", "password": "[redacted]"}
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
