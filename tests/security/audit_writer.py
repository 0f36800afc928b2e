"""Writes lines of the audit log, in a process that tests run several of: `python -m tests.security.audit_writer N`."""

# ruff: noqa: E402 - the patch comes first, as in a worker

import sys

import gevent.monkey

gevent.monkey.patch_all()

from flask import Flask

from zgpt.app import create_app
from zgpt.core import audit
from zgpt.core.db import transaction
from zgpt.core.errors import Unavailable

GREENLETS = 4


def write(app: Flask, count: int) -> None:
    """One transaction each; again when SQLite is locked for longer than a request waits."""
    written = 0
    while written < count:
        with app.app_context():
            try:
                with transaction():
                    audit.record("signed_in", None, number=written)
            except Unavailable:
                continue
        written += 1


if __name__ == "__main__":
    made = create_app()
    gevent.joinall([gevent.spawn(write, made, int(sys.argv[1])) for _ in range(GREENLETS)], raise_error=True)
