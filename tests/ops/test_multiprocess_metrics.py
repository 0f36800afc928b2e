"""Several workers write their numbers to one directory; any of them shows all."""

import os
import subprocess
import sys
from pathlib import Path

WORKER = """
from zgpt.core import metrics
metrics.RUNS.labels("completed").inc(3)
metrics.CONNECTIONS.inc(2)
"""
READER = """
from flask import Flask
from prometheus_client import generate_latest
from zgpt.core import metrics
metrics.CONNECTIONS.inc(5)
print(generate_latest(metrics.registry_of(Flask("x"))).decode())
"""


def test_one_worker_shows_the_numbers_of_all(tmp_path: Path) -> None:
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for program in (WORKER, WORKER):
        subprocess.run([sys.executable, "-c", program], check=True, env=env, timeout=60)
    reader = subprocess.run(
        [sys.executable, "-c", READER], check=True, env=env, timeout=60, capture_output=True, text=True
    )
    assert 'zgpt_runs_total{status="completed"} 6.0' in reader.stdout
    assert "zgpt_connections 9.0" in reader.stdout
