"""What an app asks of its database, as it is sent: statements without their values. Not here: what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from zgpt.core.db import db


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Those that are sent meanwhile, in order; on SQLite the beginnings of transactions too."""
    told: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", hear)
