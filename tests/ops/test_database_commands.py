"""`flask db …` is all of Flask-Migrate's, and whoever serves does without."""

import os
import subprocess
import sys
from pathlib import Path

from flask import Flask

from tests.support.server import ROOT

SERVING = """
import sys
from gevent import monkey
monkey.patch_all()
from zgpt.app import create_app
create_app()
assert not {"alembic", "flask_migrate"} & set(sys.modules)
"""


def test_a_process_that_serves_loads_neither_alembic_nor_flask_migrate(tmp_path: Path) -> None:
    env = {**os.environ, "INSTANCE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", SERVING], cwd=ROOT, env=env, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()


def test_what_stands_behind_db_is_read_by_flask_migrate(app: Flask) -> None:
    runner = app.test_cli_runner()
    assert runner.invoke(args=["db", "-x", "any=thing", "upgrade"]).exit_code == 0
    assert "upgrade" in runner.invoke(args=["db", "--help"]).output
    assert "No such command 'nonsense'" in runner.invoke(args=["db", "nonsense"]).output
