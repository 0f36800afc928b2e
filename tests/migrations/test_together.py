"""Servers that start together migrate one after the other."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from sqlalchemy import inspect

from zgpt.core.db import db

UPGRADE = [sys.executable, "-m", "flask", "--app", "zgpt.app", "db", "upgrade"]
ROOT = Path(__file__).parents[2]


def test_three_upgrades_at_once_all_end_well(empty_db_url: str, tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    env = {**os.environ, "DATABASE_URL": empty_db_url, "INSTANCE_DIR": str(tmp_path / "instance")}
    racing = [subprocess.Popen(UPGRADE, cwd=ROOT, env=env, stdout=subprocess.PIPE) for _ in range(3)]
    printed = [process.communicate(timeout=90)[0] for process in racing]
    assert [process.returncode for process in racing] == [0, 0, 0], printed
    with make_app(DATABASE_URL=empty_db_url).app_context():
        assert set(db.metadata.tables) <= set(inspect(db.engine).get_table_names())
