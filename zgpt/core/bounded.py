"""A connection to PostgreSQL that does not wait for ever. The server's own time-outs are set in `engine`.

`statement_timeout` is the server's promise: one that is frozen, or that the network has cut off, does not keep it, and
TCP gives up after many minutes. Here the client stops waiting and closes the connection; whether the server has done
what it was asked is not known then, as with every lost connection.
"""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

T = TypeVar("T")

PING_S = 2.0
"""A connection from the pool is asked first whether it lives: that takes no time, or it does not."""
MARGIN_S = 1.0
"""The server gives up first, and says why; its word needs time to arrive."""
WAKE_S = 0.1
"""psycopg's own pace of looking whether it was interrupted."""


class BoundedConnection(psycopg.Connection[Any]):
    """Each answer comes within `answer_within_s`, or OperationalError does."""

    answer_within_s = 0.0

    def wait(self, gen: PQGen[T], interval: float = WAKE_S, timeout: float | None = None) -> T:
        # SQLAlchemy's ping is the only statement outside of a transaction.
        longest_s = PING_S if self.autocommit else self.answer_within_s
        try:
            return super().wait(gen, interval, longest_s if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.info.transaction_status is TransactionStatus.ACTIVE:
                # It gave up in the middle: what comes next would be read as the answer to something else.
                self.close()
            raise


def bound(engine: Engine, statement_timeout_ms: int) -> None:
    """Have this engine open such connections."""

    class Connection(BoundedConnection):
        answer_within_s = statement_timeout_ms / 1_000 + MARGIN_S

    def connect(_dialect: object, _record: object, arguments: list[Any], named: dict[str, Any]) -> BoundedConnection:
        return Connection.connect(*arguments, **named)

    event.listen(engine, "do_connect", connect)
