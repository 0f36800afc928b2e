"""Fills whatever tables a version has with one user's belongings, and reads them back."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, MetaData, Table, select
from sqlalchemy import types as sqltypes

IDS = {
    "users": "01900000-0000-7000-8000-000000000001",
    "logins": "01900000-0000-7000-8000-000000000002",
    "chat_sessions": "01900000-0000-7000-8000-000000000003",
    "messages": "01900000-0000-7000-8000-000000000004",
    "runs": "01900000-0000-7000-8000-000000000005",
    "audit_events": "01900000-0000-7000-8000-000000000006",
    "rate_limits": "01900000-0000-7000-8000-000000000007",
    "recovery_codes": "01900000-0000-7000-8000-000000000011",
    "api_keys": "01900000-0000-7000-8000-000000000012",
    "tickets": "01900000-0000-7000-8000-000000000013",
}
OWNERS = {"user_id": "users", "session_id": "chat_sessions", "message_id": "messages"}
WORDS = {"kind": "user", "role": "admin", "title_source": "model", "status": "completed", "email": "ada@example.org"}
PLAIN: tuple[tuple[type[sqltypes.TypeEngine[Any]], Any], ...] = (
    (sqltypes.DateTime, datetime(2026, 11, 22, 9, 30, tzinfo=UTC)),
    (sqltypes.Date, date(2026, 11, 22)),
    (sqltypes.JSON, {"text": 3}),
    (sqltypes.Boolean, True),
    (sqltypes.Integer, 7),
)


def fill(engine: Engine) -> None:
    """Put one row into every table that has none, and a value into every column that a row does not have yet."""
    with engine.begin() as connection:
        for table in _tables(engine):
            found = connection.execute(select(table)).mappings().first()
            if found is None:
                connection.execute(table.insert(), _row(table))
                continue
            missing = {name: value for name, value in _row(table).items() if found[name] is None and value is not None}
            if missing:
                connection.execute(table.update().values(missing))


def rows_of(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables."""
    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()] for table in _tables(engine)
        }


def _tables(engine: Engine) -> list[Table]:
    found = MetaData()
    found.reflect(engine)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _row(table: Table) -> dict[str, Any]:
    return {column.name: _value(table, column.name, column.type) for column in table.columns}


def _value(table: Table, name: str, kind: sqltypes.TypeEngine[Any]) -> Any:
    if name == "id" or name in OWNERS:
        return _id(IDS[table.name if name == "id" else OWNERS[name]], kind)
    if name in {"parent_id", "leaf_id", "client_id"}:
        return None
    if name == "role" and table.name == "messages":
        return "assistant"
    return next((value for type_, value in PLAIN if isinstance(kind, type_)), WORDS.get(name, "ä🙂"))


def _id(text: str, kind: sqltypes.TypeEngine[Any]) -> Any:
    return uuid.UUID(text) if isinstance(kind, sqltypes.Uuid) else text.replace("-", "")
