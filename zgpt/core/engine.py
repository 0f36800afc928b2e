"""How connections to SQLite and PostgreSQL are opened and begun. What is done on them is in `db`."""

from typing import Any

from sqlalchemy import Connection, Engine, event

from zgpt.core.config import Settings
from zgpt.core.db import WRITE_OPTION
from zgpt.core.pool import FairPool

SQLITE_BUSY_TIMEOUT_MS = 250
CONNECT_TIMEOUT_S = 3
POOL_OVERFLOW = 10
POOL_TIMEOUT_S = 2
"""Who has not got a connection by then hears `unavailable`; a longer queue would only be a queue of people gone."""
LOCK_SHARE = 0.5
"""A wait for a lock ends before the statement does, so that the log tells one from the other."""
IDLE_IN_TRANSACTION_MS = 4_000
"""A process that was frozen in a transaction holds locks on its runs: they are gone before its lease is (5 s), for
those who take the runs over would find them locked."""
GONE_AFTER_S = 10
"""A server that vanished without a word (a cut cable, a machine that died) is given up after about this time."""
SQLITE_PRAGMAS = {
    # A wait blocks the whole process, so it is short: the caller hears `unavailable` and tries again. It comes first,
    # for setting the mode may have to wait too.
    "busy_timeout": SQLITE_BUSY_TIMEOUT_MS,
    "journal_mode": "WAL",
    "foreign_keys": "ON",
    "synchronous": "NORMAL",
    # In pages of 4 KiB. It is moved from a thread (wal.py); whoever commits does so only when that does not keep up.
    "wal_autocheckpoint": 4_000,
}


def engine_options(settings: Settings) -> dict[str, Any]:
    """What `create_engine` is told for the database of these settings."""
    options: dict[str, Any] = {
        "poolclass": FairPool,
        # What a statement failed on may be an e-mail, a message or a hash: it must not reach a log by its traceback.
        "hide_parameters": True,
        "pool_pre_ping": True,
        "pool_timeout": POOL_TIMEOUT_S,
        "pool_size": settings.database_pool_size,
        "max_overflow": POOL_OVERFLOW,
    }
    if settings.is_sqlite:
        return {**options, "connect_args": {"timeout": SQLITE_BUSY_TIMEOUT_MS / 1_000}}
    # A greenlet that was killed leaves its query and its transaction running in the server: the server must end them.
    limits = {
        "statement_timeout": settings.database_statement_timeout_ms,
        "lock_timeout": int(LOCK_SHARE * settings.database_statement_timeout_ms),
        "idle_in_transaction_session_timeout": min(2 * settings.database_statement_timeout_ms, IDLE_IN_TRANSACTION_MS),
    }
    wire = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": GONE_AFTER_S // 2,
        "keepalives_interval": 1,
        "keepalives_count": GONE_AFTER_S // 2,
        "tcp_user_timeout": 1_000 * GONE_AFTER_S,
    }
    flags = " ".join(f"-c {name}={value}" for name, value in limits.items())
    return {**options, "connect_args": {**wire, "application_name": "zgpt", "options": flags}}


def prepare_engine(engine: Engine, settings: Settings) -> None:
    """Make SQLite begin transactions when we say so, and take its write lock at the start of a write.

    With PostgreSQL, no wait is longer than the server's own time-out. Migrations bring an engine of their own.
    """
    if not settings.is_sqlite:
        # SQLite does not need the driver, whose import takes its time.
        from zgpt.core.bounded import bound

        bound(engine, settings.database_statement_timeout_ms)
        return
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)


def _set_pragmas(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for name, value in SQLITE_PRAGMAS.items():
        # A pragma takes no parameters, and both are constants of this module.
        connection.execute(f"PRAGMA {name}={value}")  # nosemgrep: sql-made-of-text


def _begin(connection: Connection) -> None:
    wants_to_write = connection.get_execution_options().get(WRITE_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if wants_to_write else "BEGIN")
