"""`flask db …`. The commands are Flask-Migrate's; a process that runs none of them never loads it, nor Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
from flask import Flask

from zgpt.core.db import db

MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "migrations"
NAME: Final = "db"


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(_Database(app))


def load_migrate(app: Flask) -> click.Command:
    """Make Flask-Migrate's functions work in this app; its commands, which take the place of ours."""
    # Here, because it brings Alembic: a hundred modules and 7 MiB that a serving process has no use for.
    from flask_migrate import Migrate

    Migrate(app, db, str(MIGRATIONS), command=NAME)
    return app.cli.commands[NAME]


class _Database(click.Command):
    """Stands for Flask-Migrate's commands until one is asked for: whatever is written behind `db` is read by them."""

    def __init__(self, app: Flask) -> None:
        super().__init__(NAME, help="Perform database migrations.")
        self._app = app

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        return load_migrate(self._app).make_context(info_name, args, parent, **extra)
