"""What the short forms of the drivers run on: the services of the whole test run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.returns import Services
from tests.support.processes import tail

LOG_CHARS = 40_000


@pytest.fixture
def services(redis_url: str, postgres_url: str) -> Services:
    """An empty Redis, and a fresh PostgreSQL database with the newest schema."""
    return Services(redis_url, postgres_url)


@pytest.fixture(autouse=True)
def show_the_servers_log(tmp_path: Path) -> Iterator[None]:
    """Its end is printed, which pytest shows when the test fails: the folder lives only as long as a few more runs."""
    yield
    print(tail(tmp_path / "server.log", LOG_CHARS))
