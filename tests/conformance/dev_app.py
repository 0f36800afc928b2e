"""The echo app for werkzeug's development server, patched first as wsgi.py does."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402 - the patch comes first

from werkzeug.serving import make_server  # noqa: E402

from tests.conformance.echo_app import app  # noqa: E402

__all__ = ["app"]

if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()
