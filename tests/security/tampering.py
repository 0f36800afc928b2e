"""What somebody who rules the database can do to the audit log: first of all, take its triggers away."""

from flask import Flask
from sqlalchemy import text

from zgpt.core import audit
from zgpt.core.db import db, transaction

USER = "01900000-0000-7000-8000-000000000001"


def write_lines(count: int, kind: str = "signed_in") -> None:
    """One transaction each, as sign-ins are."""
    for number in range(count):
        with transaction():
            audit.record(kind, USER, number=number)


def lift_triggers() -> None:
    """As the owner of the tables may; the role that serves may not."""
    sqlite = ("DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete")
    postgres = ("ALTER TABLE audit_events DISABLE TRIGGER audit_events_append_only",)
    with db.engine.begin() as connection:
        for statement in sqlite if connection.dialect.name == "sqlite" else postgres:
            connection.execute(text(statement))


def tamper(*statements: str) -> None:
    """Change the table behind the app's back."""
    lift_triggers()
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def verdict_of(app: Flask, *options: str) -> tuple[int, str]:
    """Exit status and words of `flask audit verify`."""
    db.session.remove()
    result = app.test_cli_runner().invoke(args=["audit", "verify", *options])
    return result.exit_code, result.output
