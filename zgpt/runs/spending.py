"""Spends the limit on messages, before the transaction (decision 0010), and not again for a repeat of one that failed.

What was spent in vain is remembered by this process alone: who repeats on another worker pays twice, not the server.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app

from zgpt.core import limits
from zgpt.core.db import db
from zgpt.core.errors import Unavailable

REMEMBERED = 10_000
"""Messages that a database in trouble may refuse before the oldest of them costs anew: some 2 MB."""

Name = tuple[str, str]


def spend(user_id: str, client_id: str | None = None) -> None:
    """Count one message. With no connection of the pool in hand: the counter waits, for Redis or its own timer."""
    db.session.rollback()
    if client_id is None or _in_vain().pop((user_id, client_id), None) is None:
        limits.hit("messages", user_id)


@contextmanager
def remembered(user_id: str, client_id: str) -> Iterator[None]:
    """Around what was paid for: where the database is away, the same message may be sent again for nothing."""
    try:
        yield
    except Unavailable:
        in_vain = _in_vain()
        in_vain[user_id, client_id] = True
        if len(in_vain) > REMEMBERED:
            in_vain.popitem(last=False)
        raise


def _in_vain() -> OrderedDict[Name, bool]:
    found: OrderedDict[Name, bool] = current_app.extensions.setdefault("spent_in_vain", OrderedDict())
    return found
