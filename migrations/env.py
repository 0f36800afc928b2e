"""Runs the migrations on SQLite and PostgreSQL: one server at a time, all or nothing. The changes are in `versions`."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, Engine, NullPool, create_engine, event

import zgpt.auth.models
import zgpt.chat.models
import zgpt.core.models
import zgpt.runs.models  # noqa: F401 # the four hold all tables
from zgpt.core.db import db

LOCK_KEY = 0x5A475054
"""Any number that nothing else locks in this database ("ZGPT")."""
LOCK_WAIT_S = 30
OPTIONS: dict[str, Any] = {
    "target_metadata": db.metadata,
    # SQLite cannot alter a table: batch mode copies it. PostgreSQL takes the same operations as plain ALTERs.
    "render_as_batch": True,
    "compare_type": True,
    "transactional_ddl": True,
}


def migrate() -> None:
    """Bring the database of the current app to the wanted version, in one transaction."""
    engine = create_engine(db.engine.url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    try:
        with engine.connect() as connection:
            context.configure(connection=connection, **OPTIONS)
            with context.begin_transaction():
                _wait_for_others(connection)
                context.run_migrations()
                _check_sqlite(connection)
    finally:
        engine.dispose()


def print_sql() -> None:
    """Write the SQL instead of running it (`flask db upgrade --sql`)."""
    context.configure(url=db.engine.url, literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def _prepare_sqlite(engine: Engine) -> None:
    """Batch mode drops the old copy of a table: with foreign keys on, that would delete all that refers to it."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(f"PRAGMA busy_timeout={LOCK_WAIT_S * 1_000}")
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _wait_for_others(connection: Connection) -> None:
    """Servers that start together migrate one after the other; SQLite's own lock was taken at the beginning."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")


def _check_sqlite(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise RuntimeError(f"the migration would leave rows that refer to nothing: {broken[:5]}")


if context.is_offline_mode():
    print_sql()
else:
    migrate()
