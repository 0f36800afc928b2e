"""The migrations on both databases: every version up, down and up again, with rows inside."""

from collections.abc import Callable, Iterator
from typing import Any

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Constraint, Index, MetaData, inspect, text

from tests.migrations.rows import fill, rows_of
from zgpt.core.db import db
from zgpt.ops.database_commands import load_migrate

MakeApp = Callable[..., Flask]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def empty_app(make_app: MakeApp, empty_db_url: str) -> Iterator[Flask]:
    app = make_app(DATABASE_URL=empty_db_url)
    load_migrate(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def versions(app: Flask) -> list[str]:
    script = ScriptDirectory.from_config(app.extensions["migrate"].migrate.get_config())
    return [step.revision for step in script.walk_revisions()][::-1]


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def schema() -> dict[str, Any]:
    found = inspect(db.engine)
    return {
        name: (
            sorted((column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)),
            sorted((index["name"] or "", index["unique"]) for index in found.get_indexes(name)),
            sorted(str(key["name"]) for key in found.get_foreign_keys(name)),
            sorted(str(check["name"]) for check in found.get_check_constraints(name)),
        )
        for name in tables()
    }


def shared(rows: Rows, other: Rows) -> Rows:
    """The tables and columns of `rows` that `other` has too."""
    return {
        name: [{column: row[column] for column in row if column in other[name][0]} for row in rows[name]]
        for name in rows
        if other.get(name)
    }


def test_every_version_goes_up_down_and_up_again_with_rows_inside(empty_app: Flask) -> None:
    for version in versions(empty_app):
        flask_migrate.upgrade(revision=version)
        fill(db.engine)
        before, kept = schema(), rows_of(db.engine)
        flask_migrate.downgrade(revision="-1")
        assert schema() != before
        lower = rows_of(db.engine)
        assert lower == shared(kept, lower)
        flask_migrate.upgrade(revision=version)
        assert schema() == before
        assert shared(rows_of(db.engine), lower) == lower


def test_all_versions_can_be_undone_at_once_with_rows_inside(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    fill(db.engine)
    flask_migrate.downgrade(revision="base")
    assert tables() == set()
    flask_migrate.upgrade()
    assert tables() == set(db.metadata.tables)


def test_the_models_are_what_the_migrations_make(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_check_constraints_are_what_the_models_say(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    migrated = {name: parts[3] for name, parts in schema().items()}
    flask_migrate.downgrade(revision="base")
    db.create_all()
    assert {name: parts[3] for name, parts in schema().items()} == migrated


def test_every_constraint_and_index_follows_the_naming_convention(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    reflected = MetaData()
    reflected.reflect(db.engine)
    parts = [part for table in reflected.tables.values() for part in (*table.constraints, *table.indexes)]
    names = [str(part.name) for part in parts if isinstance(part, Constraint | Index)]
    ours = [name for name in names if "alembic_version" not in name]
    assert ours
    assert [name for name in ours if not name.startswith(("pk_", "fk_", "uq_", "ck_", "ix_"))] == []


def test_a_migrated_database_refuses_a_row_that_belongs_to_nobody(empty_app: Flask) -> None:
    flask_migrate.upgrade()
    with db.engine.connect() as connection, pytest.raises(Exception, match=r"(?i)foreign key"):
        connection.execute(text("INSERT INTO rate_limits VALUES ('{0}', '{0}', 'x', 1, 1)".format("0" * 32)))
