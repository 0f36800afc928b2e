"""The fixtures every test may ask for: databases, Redis, apps, people and real servers."""

import gc
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import flask_migrate
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from tests.support.mail_server import MailServer
from tests.support.model_process import ModelServer
from tests.support.people import Person, sign_up
from tests.support.postgres import PostgresServer
from tests.support.processes import running
from tests.support.server import Server, prepare_folder, relaxed, server_env
from tests.support.services import RedisServer

if TYPE_CHECKING:
    from zgpt.core.config import Settings

MakeApp = Callable[..., Flask]
MakeServer = Callable[..., Server]
SignedIn = Callable[..., Person]


def pytest_collection_finish() -> None:
    """What the collection has made stays to the end: no look for garbage has to go through it again."""
    gc.collect()
    gc.freeze()


# The app is imported where it is used: a fault in it must not keep the pure tests from running.
def _settings(folder: Path, env: Mapping[str, str]) -> "Settings":
    from zgpt.core.config import load_settings

    return load_settings({"INSTANCE_DIR": str(folder), **relaxed(env)})


def _app(folder: Path, env: Mapping[str, str]) -> Flask:
    from zgpt.app import create_app

    return create_app(_settings(folder, env))


def _migrate(app: Flask) -> None:
    from zgpt.ops.database_commands import load_migrate

    load_migrate(app)
    with app.app_context():
        flask_migrate.upgrade()
    _release(app)


def _release(app: Flask) -> None:
    from zgpt.core.db import db

    if app.config["ZGPT"].redis_url:
        app.extensions["realtime"].broker.close()
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def _collect_connections() -> None:
    """Let go of the connections that redis-py pools for the limits, here and not in the middle of another test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    # What is left stays: else each look goes through what all tests before have left, 3 s of it late in a run.
    gc.freeze()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema and no rows; copy it, never write to it."""
    folder = tmp_path_factory.mktemp("template")
    _migrate(_app(folder, {}))
    return folder / "zgpt.db"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole run: TEST_POSTGRES_URL, or started here."""
    server = PostgresServer(os.environ.get("TEST_POSTGRES_URL"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with the newest schema and no rows, to be copied."""
    with postgres_server.database() as url:
        _migrate(_app(tmp_path_factory.mktemp("pg"), {"DATABASE_URL": url}))
        yield url


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """A fresh PostgreSQL database with the newest schema (SQLAlchemy URL)."""
    with postgres_server.database(postgres_template) as url:
        yield url


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this file's own, to be stopped, frozen and started again."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def own_postgres_url(own_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of ``own_postgres`` with the newest schema (SQLAlchemy URL)."""
    url = own_postgres.create()
    _migrate(_app(tmp_path_factory.mktemp("own"), {"DATABASE_URL": url}))
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database with the newest schema: the test runs once on each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    prepare_folder(tmp_path / "db", request.getfixturevalue("sqlite_template"))
    return f"sqlite:///{tmp_path / 'db' / 'zgpt.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_db_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any schema, once of each kind: for the migrations themselves."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


@pytest.fixture(scope="session")
def shared_redis_url() -> Iterator[str]:
    """One Redis for the whole run: TEST_REDIS_URL, or started here. Use ``redis_url``."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    with running(RedisServer()) as server:
        yield server.url


@pytest.fixture
def redis_url(shared_redis_url: str) -> str:
    """The address of an empty Redis; do not kill it (``redis_server`` is for that)."""
    with redis.Redis.from_url(shared_redis_url, socket_timeout=5) as client:
        client.flushdb()
    return shared_redis_url


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of this test's own, to be killed, frozen and started again."""
    with running(RedisServer()) as server:
        yield server


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """A mail server of this file's own; the letters stay in it until they are cleared."""
    with running(MailServer(tmp_path_factory.mktemp("mail"))) as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> "Settings":
    """Settings of a fresh instance on SQLite with the schema made and the limits high."""
    prepare_folder(tmp_path / "instance", sqlite_template)
    return _settings(tmp_path / "instance", {})


@pytest.fixture
def make_app(tmp_path: Path, sqlite_template: Path) -> Iterator[MakeApp]:
    """Make an app with some settings changed: ``make_app(REDIS_URL=redis_url)``."""
    made: list[Flask] = []

    def make(**env: str) -> Flask:
        folder = tmp_path / f"instance-{len(made)}"
        prepare_folder(folder, sqlite_template)
        made.append(_app(folder, env))
        made[-1].testing = True
        return made[-1]

    yield make
    for app in made:
        _release(app)
    if any(app.config["ZGPT"].redis_url for app in made):
        _collect_connections()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An app on a fresh SQLite database with the memory broker."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who has not signed in."""
    return app.test_client()


@pytest.fixture
def signed_in(app: Flask) -> SignedIn:
    """Make a person with an account: ``signed_in()``, or ``signed_in(app=other)``."""
    default = app

    def make(email: str | None = None, app: Flask | None = None) -> Person:
        return sign_up(app or default, email)

    return make


@pytest.fixture
def person(signed_in: SignedIn) -> Person:
    """Somebody with an account."""
    return signed_in()


@pytest.fixture
def model_server(tmp_path: Path) -> Iterator[ModelServer]:
    """An OpenAI-compatible server that says what the question tells it to (``model_server.py``)."""
    with running(ModelServer(tmp_path)) as model:
        yield model


@pytest.fixture
def server(tmp_path: Path, sqlite_template: Path, request: pytest.FixtureRequest) -> Iterator[MakeServer]:
    """Start a real gunicorn: ``server(REDIS_URL=redis_url)``; its log is shown on failure."""
    made: list[Server] = []

    def make(**env: str) -> Server:
        if "LLM_BASE_URL" not in env:
            env["LLM_BASE_URL"] = request.getfixturevalue("model_server").url
        folder = tmp_path / f"server-{len(made)}"
        prepare_folder(folder, sqlite_template)
        made.append(Server(folder, server_env(env)))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.close()
        print(f"--- log of {one.url}\n{one.log.read_text(errors='replace')}")
