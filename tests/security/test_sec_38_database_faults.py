"""Check 38, of the database: what it refuses is told without the row that it refused."""

import logging
from collections.abc import Callable

import pytest
from flask import Flask

from zgpt.auth.models import User
from zgpt.core.db import db

EMAIL = "canary.4f1c@example.org"
NAME = "the canary name 77d1"


@pytest.mark.parametrize(("name", "status"), [(NAME, 409), (NAME * 20, 422)], ids=["twice", "too_long"])
def test_sec_38_a_refused_row_is_in_no_log_and_no_answer(
    make_app: Callable[..., Flask], postgres_url: str, caplog: pytest.LogCaptureFixture, name: str, status: int
) -> None:
    app = make_app(DATABASE_URL=postgres_url)

    def insert() -> str:
        for _ in range(2):
            db.session.add(User(email=EMAIL, name=name, password_hash="x"))
            db.session.flush()
        return ""

    app.add_url_rule("/api/v1/insert", view_func=insert)
    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().get("/api/v1/insert")
    assert answer.status_code == status
    told = "\n".join(str(record.msg) for record in caplog.records) + answer.get_data(as_text=True)
    assert "database_refused" in told
    assert EMAIL not in told
    assert NAME not in told


def test_sec_38_a_traceback_of_the_database_holds_no_values(app: Flask) -> None:
    with app.app_context():
        db.session.add(User(email=EMAIL, name=NAME, password_hash="x"))
        db.session.flush()
        db.session.add(User(email=EMAIL, name=NAME, password_hash="x"))
        with pytest.raises(Exception, match="UNIQUE") as refused:
            db.session.flush()
        db.session.rollback()
    assert EMAIL not in str(refused.value)
    assert NAME not in str(refused.value)
