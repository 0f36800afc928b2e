"""What several checks share: a server with two workers, and one without Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.houses import House, house
from tests.support.postgres import PostgresServer
from tests.support.services import RedisServer


@pytest.fixture(scope="module")
def two_workers(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    postgres_server: PostgresServer,
    postgres_template: str,
) -> Iterator[House]:
    """Two workers on PostgreSQL and a Redis of their own."""
    redis, database = RedisServer(), postgres_server.create(postgres_template)
    redis.start()
    settings = {"DATABASE_URL": database, "REDIS_URL": redis.url, "WEB_CONCURRENCY": "2"}
    with house(tmp_path_factory.mktemp("two"), sqlite_template, **settings) as made:
        yield made
    redis.close()
    postgres_server.drop(database)


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[House]:
    """What a fresh clone runs: one worker on SQLite, without Redis."""
    with house(tmp_path_factory.mktemp("one"), sqlite_template) as made:
        yield made


@pytest.fixture(scope="session")
def open_house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[House]:
    """One worker for all checks that change nothing for others; its log is read by more than one of them."""
    with house(tmp_path_factory.mktemp("open"), sqlite_template) as made:
        yield made
