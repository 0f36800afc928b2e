"""The product as `make run` starts it, or several workers of it, once for all journeys of a file."""

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer
from tests.support.served import served
from tests.support.server import START_TIMEOUT_S, Server, prepare_folder, server_env
from tests.support.viewer import Viewer
from tests.support.visitor import Visitor, visit

SERVE = (sys.executable, "-m", "zgpt", "serve")
MODEL_TIMEOUT_S = 60.0
BOOT_S = 75.0
"""Four workers that start at once, on two cores that have other work."""
Ask = Callable[..., tuple[Viewer, str]]
StartWorkers = Callable[..., Server]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Server]:
    """`zgpt serve`: gunicorn and the built-in model; all that is set is how long an answer may get."""
    folder = tmp_path_factory.mktemp("product")
    prepare_folder(folder, sqlite_template)
    server = Server(folder, server_env({"LLM_MAX_OUTPUT_TOKENS": "128"}), argv=SERVE)
    server.start(timeout_s=MODEL_TIMEOUT_S)
    yield server
    server.close()
    print(server.log.read_text(errors="replace"))


@pytest.fixture(scope="module")
def start_workers(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    postgres_server: PostgresServer,
    postgres_template: str,
) -> Iterator[StartWorkers]:
    """Start so many workers on PostgreSQL and this Redis, with a model that can go on where an answer broke off."""
    with ExitStack() as begun:

        def start(count: int, redis_url: str, start_s: float = START_TIMEOUT_S) -> Server:
            database = begun.enter_context(postgres_server.database(postgres_template))
            settings = {"DATABASE_URL": database, "REDIS_URL": redis_url, "WEB_CONCURRENCY": str(count)}
            folder = tmp_path_factory.mktemp("workers")
            house = served(folder, sqlite_template, start_s, LLM_CONTINUE="trailing", **settings)
            server, _ = begun.enter_context(house)
            return server

        yield start


@pytest.fixture
def visitor(product: Server) -> Visitor:
    """A new person."""
    return visit(product.url)


@pytest.fixture
def ask(product: Server, visitor: Visitor) -> Iterator[Ask]:
    """Ask a question over a WebSocket; returns the viewer and the run."""
    viewers: list[Viewer] = []

    def send(text: str) -> tuple[Viewer, str]:
        viewer = Viewer(product.url, visitor.token)
        viewers.append(viewer)
        viewer.connect()
        return viewer, str(viewer.ask(text, str(uuid.uuid4()))["run_id"])

    yield send
    for viewer in viewers:
        viewer.close()
