"""Where the program's own files are; the data is in INSTANCE_DIR."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""With `wsgi.py`, `gunicorn.conf.py`, `migrations/` and `static/` in it."""
