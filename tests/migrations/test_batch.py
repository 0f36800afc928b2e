"""What a later migration may do to a table that others refer to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from sqlalchemy import inspect

from tests.migrations.rows import fill, rows_of
from zgpt.core.db import db
from zgpt.ops.database_commands import load_migrate

REBUILD = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = {head!r}


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.alter_column("name", existing_type=sa.String(100), type_=sa.String(120))
    {then}


def downgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.alter_column("name", existing_type=sa.String(120), type_=sa.String(100))
"""


@pytest.fixture
def later(make_app: Callable[..., Flask], empty_db_url: str, tmp_path: Path) -> Iterator[Callable[[str], Config]]:
    app = make_app(DATABASE_URL=empty_db_url)
    load_migrate(app)

    def write(then: str) -> Config:
        config: Config = app.extensions["migrate"].migrate.get_config()
        command.upgrade(config, "head")
        versions = Path(config.get_main_option("script_location") or "") / "versions"
        head = max(path.name for path in versions.glob("*.py")).split("_")[0]
        (tmp_path / "9999_rebuild.py").write_text(REBUILD.format(head=head, then=then))
        config.set_main_option("path_separator", "space")
        config.set_main_option("version_locations", f"{versions} {tmp_path}")
        return config

    with app.app_context():
        yield write
        db.engine.dispose()


def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(later: Callable[[str], Config]) -> None:
    config = later("pass")
    fill(db.engine)
    before = rows_of(db.engine)
    command.upgrade(config, "head")
    assert "VARCHAR(120)" in {str(column["type"]) for column in inspect(db.engine).get_columns("users")}
    command.downgrade(config, "-1")
    assert rows_of(db.engine) == before


def test_a_migration_that_fails_halfway_leaves_the_database_as_it_was(later: Callable[[str], Config]) -> None:
    config = later('raise RuntimeError("halfway")')
    fill(db.engine)
    before = rows_of(db.engine)
    with pytest.raises(RuntimeError, match="halfway"):
        command.upgrade(config, "head")
    assert rows_of(db.engine) == before


def test_a_migration_that_would_orphan_rows_is_refused(later: Callable[[str], Config]) -> None:
    config = later("op.execute('DELETE FROM users')")
    fill(db.engine)
    with db.engine.connect() as connection:
        cascades = connection.dialect.name == "postgresql"
    if cascades:
        command.upgrade(config, "head")
        assert rows_of(db.engine)["logins"] == []
        return
    with pytest.raises(RuntimeError, match="refer to nothing"):
        command.upgrade(config, "head")
    assert rows_of(db.engine)["logins"]
