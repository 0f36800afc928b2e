"""A connection to PostgreSQL that does not wait for ever. The server's own time-outs are set in `engine`.

`statement_timeout` is the server's promise: one that is frozen, or that the network has cut off, does not keep it, and
TCP gives up after many minutes. Here the client stops waiting and closes the connection; whether the server has done
what it was asked is not known then, as with every lost connection.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from gevent.monkey import is_module_patched
from gevent.socket import wait_read, wait_readwrite, wait_write
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.waiting import Ready, Wait
from sqlalchemy import Engine, event

from zgpt.core import clock

T = TypeVar("T")

PING_S = 2.0
"""A connection from the pool is asked first whether it lives: that takes no time, or it does not."""
MARGIN_S = 1.0
"""The server gives up first, and says why; its word needs time to arrive."""
WAKE_S = 0.1
"""psycopg's own pace of looking whether it was interrupted."""
_TOO_LATE = "no answer in time"
_WAITS: dict[Any, Callable[..., object]] = {Wait.R: wait_read, Wait.W: wait_write, Wait.RW: wait_readwrite}


class BoundedConnection(psycopg.Connection[Any]):
    """Each answer comes within `answer_within_s`, or OperationalError does."""

    answer_within_s = 0.0
    lent = False
    """Whether the pool has lent it to somebody; what is asked before that is SQLAlchemy's ping."""

    def wait(self, gen: PQGen[T], interval: float = WAKE_S, timeout: float | None = None) -> T:
        longest_s = PING_S if self.autocommit and not self.lent else self.answer_within_s
        within_s = longest_s if timeout is None else timeout
        try:
            if is_module_patched("select"):
                return _wait(gen, self.pgconn.socket, within_s)
            return super().wait(gen, interval, within_s)
        except psycopg.OperationalError:
            if self.info.transaction_status is TransactionStatus.ACTIVE:
                # It gave up in the middle: what comes next would be read as the answer to something else.
                self.close()
            # That of a batch wants to go on in its `finally`; what is dropped would complain on standard error.
            with suppress(Exception):
                gen.close()
            raise


def _wait(gen: PQGen[T], fd: int, longest_s: float) -> T:
    """Go on with `gen` whenever its socket is ready; OperationalError after `longest_s` in all.

    In a server the poll(2) that psycopg waits with is gevent's imitation of it, which costs as much as a small query.
    """
    due_s = clock.monotonic() + longest_s
    try:
        wanted = next(gen)
        while True:
            left_s = due_s - clock.monotonic()
            if left_s <= 0:
                raise psycopg.OperationalError(_TOO_LATE)
            _WAITS[wanted](fd, left_s, psycopg.OperationalError(_TOO_LATE))
            # Who waits to write may read too: what is not there yet is not waited for.
            wanted = gen.send(Ready(wanted))
    except StopIteration as end:
        answer: T = end.value
        return answer


def bound(engine: Engine, statement_timeout_ms: int) -> None:
    """Have this engine open such connections."""

    class Connection(BoundedConnection):
        answer_within_s = statement_timeout_ms / 1_000 + MARGIN_S

    def connect(_dialect: object, _record: object, arguments: list[Any], named: dict[str, Any]) -> BoundedConnection:
        return Connection.connect(*arguments, **named)

    def lend(connection: BoundedConnection, _record: object, _fairy: object) -> None:
        connection.lent = True

    def take_back(connection: BoundedConnection | None, _record: object) -> None:
        if connection is not None:
            connection.lent = False

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkout", lend)
    event.listen(engine, "checkin", take_back)
