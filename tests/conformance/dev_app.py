"""The echo app for werkzeug's development server, patched first as wsgi.py does."""

# ruff: noqa: E402 - the patch comes first, as in a worker

from gevent import monkey

monkey.patch_all()

import sys

from werkzeug.serving import make_server

from tests.conformance.echo_app import app

__all__ = ["app"]

if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
