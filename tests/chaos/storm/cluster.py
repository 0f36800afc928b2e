"""Z-GPT as it runs on several workers: gunicorn, PostgreSQL, Redis and a model server. Breaking them is in `faults`."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg

from tests.chaos.house import ENV
from tests.support.postgres import PostgresServer
from tests.support.processes import ServiceError, free_port, polls, spawn, stop, tail
from tests.support.server import ROOT, Server, server_env
from tests.support.services import RedisServer
from tests.support.web import fetched

START_S = 60.0
OPEN_RUNS = "SELECT id, epoch, owner, length(text_kept) FROM runs WHERE status IN ('queued', 'streaming')"
Snapshot = dict[str, tuple[int, str | None, int]]
"""run id → epoch, owner, characters kept."""


class Model:
    """`bench.upstream` as a child: started again, it takes the same port."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "model.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Return when it serves."""
        self._process = spawn([sys.executable, "-m", "bench.upstream", "--port", str(self.port)], self._log, cwd=ROOT)
        for _ in polls(START_S):
            with suppress(OSError), fetched(f"http://127.0.0.1:{self.port}/stats", 5):
                return
        raise ServiceError(f"the model server did not start:\n{tail(self._log)}")

    def kill9(self) -> None:
        """End it in the middle of all its answers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        if self._process is not None:
            stop(self._process)


class Cluster:
    """`with Cluster(folder, 4) as cluster:` migrated and running; everything ends with the block."""

    def __init__(self, folder: Path, workers: int, continues: str) -> None:
        self._folder, self._workers = folder, workers
        self._log_read = 0
        self._names: dict[int, str] = {}
        self.model = Model(folder)
        self.redis = RedisServer(keeps=True)
        with ExitStack() as ending:
            ending.callback(self.redis.close)
            self.postgres = PostgresServer()
            ending.callback(self.postgres.close)
            self.database = self.postgres.create()
            self._ending = ending.pop_all()
        settings = {
            **ENV,
            "DATABASE_URL": self.database,
            "REDIS_URL": self.redis.url,
            "WEB_CONCURRENCY": str(workers),
            "LLM_BASE_URL": f"http://127.0.0.1:{self.model.port}/v1",
            "LLM_CONTINUE": continues,
            "LLM_TITLES": "false",
            # A conversation of an hour would otherwise be sent along with every question.
            "LLM_CONTEXT_TOKENS": "12000",
            "LLM_MAX_OUTPUT_TOKENS": "8000",
        }
        self.server = Server(folder, server_env(settings))

    def __enter__(self) -> Self:
        try:
            self.redis.start()
            self._ending.callback(self.model.close)
            self.model.start()
            self._migrate()
            self._ending.callback(self.server.close)
            self.server.start(START_S)
            self._wait_for_all()
        except BaseException:
            self._ending.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.close()

    def _migrate(self) -> None:
        argv = [sys.executable, "-m", "flask", "--app", "zgpt.app:create_app", "db", "upgrade"]
        env = {**self.server.env, "INSTANCE_DIR": str(self._folder)}
        done = subprocess.run(argv, cwd=ROOT, env=env, check=False, capture_output=True, text=True, timeout=START_S)
        if done.returncode != 0:
            raise ServiceError(f"the migration failed:\n{done.stderr[-2000:]}")

    def _wait_for_all(self) -> None:
        for _ in polls(START_S):
            if len(self.workers()) >= self._workers:
                return
        raise ServiceError(f"not all workers came up:\n{tail(self.server.log)}")

    def workers(self) -> dict[int, str]:
        """The workers that live and have joined the others: pid → the name under which they own runs."""
        with self.server.log.open("rb") as log:
            log.seek(self._log_read)
            lines = log.read().split(b"\n")
        self._log_read += sum(len(line) + 1 for line in lines[:-1])
        for line in lines[:-1]:
            if b'"process_joined"' in line:
                joined = json.loads(line)
                self._names[joined["pid"]] = joined["process_id"]
        alive = _children_of(self.server.pid)
        return {pid: name for pid, name in self._names.items() if pid in alive}

    def peers_of(self, pid: int) -> set[int]:
        """The ports of the clients that are connected to this worker."""
        with suppress(psutil.Error):
            connections = psutil.Process(pid).net_connections("tcp4")
            return {
                one.raddr.port
                for one in connections
                if one.status == "ESTABLISHED" and one.laddr.port == self.server.port
            }
        return set()

    def open_runs(self) -> Snapshot:
        """The runs that have not ended; raises psycopg.Error while PostgreSQL is away."""
        with psycopg.connect(self.dsn, autocommit=True, connect_timeout=2) as connection:
            rows = connection.execute(OPEN_RUNS).fetchall()
        return {str(run): (epoch, str(owner) if owner else None, kept) for run, epoch, owner, kept in rows}

    @property
    def dsn(self) -> str:
        """The database's address as psycopg wants it."""
        return self.database.replace("postgresql+psycopg://", "postgresql://")

    def complaints(self) -> list[str]:
        """What the workers logged as errors, shortened."""
        lines = self.server.log.read_text(errors="replace").splitlines()
        return [line[-800:] for line in lines if '"level":"error"' in line or "Traceback" in line]


def _children_of(pid: int) -> set[int]:
    """Those that live; one that ends while it is looked at does not."""
    alive = set()
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                alive.add(child.pid)
    return alive
