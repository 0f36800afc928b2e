"""A database that commits and dies before it can say so. No test stands here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tests.runs.conftest import Chat
from zgpt.core.db import db


@contextmanager
def deaf(chat: Chat) -> Iterator[None]:
    """The next commit succeeds, and nobody is told; it must have happened at the end of the block."""
    with chat.app.app_context():
        dialect: Any = db.engine.dialect
    commit, done = dialect.do_commit, False

    def lose(connection: object) -> None:
        nonlocal done
        commit(connection)
        if not done:
            done = True
            raise dialect.loaded_dbapi.OperationalError("the server closed the connection unexpectedly")

    with patch.object(dialect, "do_commit", lose):
        yield
        chat.wait(lambda: done)
