"""The product as `make run` starts it, once for all journeys of a file."""

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.server import Server, prepare_folder, server_env
from tests.support.viewer import Viewer
from tests.support.visitor import Visitor, visit

SERVE = (sys.executable, "-m", "zgpt", "serve")
MODEL_TIMEOUT_S = 60.0
Ask = Callable[..., tuple[Viewer, str]]


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
