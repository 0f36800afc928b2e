"""Brings the database's schema up to date before the server starts: only asked of Alembic when it may be behind."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

from zgpt.core.config import Settings

from .paths import ROOT

_FIELD = re.compile(r"^(revision|down_revision)\b[^=\n]*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)


class MigrationFailedError(Exception):
    """`flask db upgrade` did not succeed; what it printed."""


def is_current(settings: Settings) -> bool:
    """Whether the schema is certainly the newest. Reads the version straight from SQLite: 1 ms instead of 1 s."""
    if not settings.is_sqlite:
        return False
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    if not path.is_file():
        return False
    try:
        with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1) as connection:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error:
        return False
    return {row[0] for row in rows} == newest_versions(ROOT / "migrations" / "versions")


def newest_versions(folder: Path) -> set[str]:
    """The versions that no other one follows, read from the files without running them."""
    found = [dict(_FIELD.findall(path.read_text())) for path in folder.glob("*.py")]
    return {fields["revision"] for fields in found} - {fields.get("down_revision", "") for fields in found}


def migrate() -> None:
    """Run `flask db upgrade`; raises MigrationFailedError."""
    argv = [sys.executable, "-m", "flask", "--app", "zgpt.app", "db", "upgrade"]
    done = subprocess.run(  # noqa: S603 # nosec B603 # our own program
        argv,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        raise MigrationFailedError(done.stdout.strip()[-4000:])
