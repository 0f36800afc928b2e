"""What several checks share: a server with two workers, and one without Redis."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.security.houses import House, house
from tests.support.postgres import PostgresServer
from tests.support.processes import running
from tests.support.services import RedisServer

MakeHouse = Callable[..., House]


@pytest.fixture(scope="module")
def make_house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[MakeHouse]:
    """Start a server of one worker on SQLite, with some settings changed, for the rest of the file."""
    with ExitStack() as made:

        def make(**settings: str) -> House:
            return made.enter_context(house(tmp_path_factory.mktemp("house"), sqlite_template, **settings))

        yield make


@pytest.fixture(scope="module")
def two_workers(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    postgres_server: PostgresServer,
    postgres_template: str,
) -> Iterator[House]:
    """Two workers on PostgreSQL and a Redis of their own."""
    with running(RedisServer()) as redis, postgres_server.database(postgres_template) as database:
        settings = {"DATABASE_URL": database, "REDIS_URL": redis.url, "WEB_CONCURRENCY": "2"}
        with house(tmp_path_factory.mktemp("two"), sqlite_template, **settings) as made:
            yield made


@pytest.fixture(scope="module")
def one_worker(make_house: MakeHouse) -> House:
    """What a fresh clone runs: one worker on SQLite, without Redis."""
    return make_house()


@pytest.fixture(scope="session")
def open_house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[House]:
    """One worker for all checks that change nothing for others; its log is read by more than one of them."""
    with house(tmp_path_factory.mktemp("open"), sqlite_template) as made:
        yield made
