"""The echo app under real gunicorn, with the product's own configuration."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.server import Server, server_env

MakeEcho = Callable[..., Server]


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[MakeEcho]:
    """Start it: `echo("--max-requests", "5", SOME_ENV="1")`; its log is shown when a test fails."""
    made: list[Server] = []

    def make(*options: str, **env: str) -> Server:
        folder = tmp_path / f"echo-{len(made)}"
        folder.mkdir(exist_ok=True)
        argv = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", *options, "tests.conformance.echo_app:app")
        made.append(Server(folder, server_env(env), argv=argv))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.close()
        print(f"--- log of {one.url}\n{one.log.read_text(errors='replace')[-5_000:]}")
