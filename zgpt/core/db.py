"""The database: one `db`, one naming convention, one way to write (`transaction`). Tables are in their features."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import structlog
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Dialect, MetaData, TypeDecorator, Uuid
from sqlalchemy import exc as sa_exc
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry

from zgpt.core.errors import Unavailable

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
WRITE_OPTION = "zgpt_write"
PASSING_STATES = {"25006", "25P03", "25P04"}
"""PostgreSQL: read-only (a standby, until the fail-over is done), and transactions that it ended for being late."""
_AFTER_COMMIT = "zgpt_after_commit"
_AT_THE_END = "zgpt_at_the_end"

log = structlog.get_logger(__name__)
Call = Callable[[], object]
Collector = Callable[[Call], None]
Item = TypeVar("Item")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes, also on SQLite, which keeps no zone. Refuses a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time for the database must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of all tables."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING_CONVENTION),
        type_annotation_map={datetime: UtcDateTime(), dict[str, Any]: JSON()},
    )


Id = Annotated[str, mapped_column(Uuid(as_uuid=False))]
"""A column that holds a UUID as its 36 characters."""


class Database(SQLAlchemy):
    """Flask-SQLAlchemy, whose goodbye to a database that went away fails nothing that was done."""

    def _teardown_session(self, exc: BaseException | None) -> None:
        try:
            super()._teardown_session(exc)
        except sa_exc.SQLAlchemyError as error:
            # Else the next app context at this address would find the broken session.
            self.session.registry.clear()
            log.warning("session_not_closed", error=type(error).__name__)


db = Database(model_class=Base, session_options={"expire_on_commit": False})


@contextmanager
def transaction() -> Iterator[Collector]:
    """Commit at the end, or roll back on an error; after the commit run what was collected.

        with transaction() as after:
            message = insert_message(…)
            after(partial(publish, message))

    Objects that were read before are read again inside, so nothing is written from a stale copy; what was flushed
    before is undone, so write only inside. A transaction inside another joins it: the outermost one commits. Do no
    network I/O inside: another greenlet that wants SQLite's write lock would stop the whole process. Raises
    `Unavailable` when the database is locked, full or gone.
    """
    session = db.session()
    outer: list[Call] | None = session.info.get(_AFTER_COMMIT)
    if outer is not None:
        yield outer.append
        return
    calls: list[Call] = []
    last: dict[Callable[[list[Any], Collector], object], list[Any]] = {}
    session.info.update({_AFTER_COMMIT: calls, _AT_THE_END: last})
    try:
        with database_faults():
            _begin_write()
            yield calls.append
            for call, items in last.items():
                call(items, calls.append)
            session.commit()
    except BaseException:
        with database_faults():
            session.rollback()
        raise
    finally:
        session.info.pop(_AFTER_COMMIT, None)
        session.info.pop(_AT_THE_END, None)
    _run_all(calls)


def begin_read() -> None:
    """From here to the next rollback this session only reads: on PostgreSQL each statement then stands by itself.

    Without BEGIN and ROLLBACK, which are round trips; there each statement sees what is stored when it begins, in a
    transaction too. On SQLite a transaction costs nothing, and shows one moment. Call it before the first statement.
    """
    session = db.session()
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})


def at_the_end(call: Callable[[list[Item], Collector], object], item: Item) -> None:
    """Have `call(items, after)` run once, as the last of the transaction under way, with all items that it was given.

    For what locks a row that many want: it is then held only for the commit itself.
    """
    gathered = db.session().info.get(_AT_THE_END)
    if gathered is None:
        raise RuntimeError("write inside of a transaction()")
    gathered.setdefault(call, []).append(item)


@contextmanager
def database_faults() -> Iterator[None]:
    """Turn a locked, full or lost database into `Unavailable`; faults of our own SQL stay what they are."""
    try:
        yield
    except sa_exc.SQLAlchemyError as error:
        if not is_trouble(error):
            raise
        raise Unavailable from error


def is_trouble(error: sa_exc.SQLAlchemyError) -> bool:
    """Whether the database is locked, full, late or gone, so that the same may succeed later."""
    match error:
        case sa_exc.TimeoutError():
            return True
        case sa_exc.OperationalError() | sa_exc.InterfaceError():
            # A missing table or column is our fault; SQLite reports it as if the database were in trouble.
            return "no such " not in str(error.orig)
        case sa_exc.DBAPIError():
            return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in PASSING_STATES
    return False


def _run_all(calls: list[Call]) -> None:
    """What was committed is true for all who are to hear of it: one that fails must not keep the others from it."""
    failures: list[Exception] = []
    for call in calls:
        try:
            call()
        except Exception as error:  # noqa: BLE001 # raised below
            failures.append(error)
    if failures:
        raise failures[0]


def _begin_write() -> None:
    """End a read that is open, then take the write lock at once: SQLite cannot turn an old read into a write."""
    session = db.session()
    if session.new or session.dirty or session.deleted:
        return
    session.rollback()
    session.connection(execution_options={WRITE_OPTION: True})
