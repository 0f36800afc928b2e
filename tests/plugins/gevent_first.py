"""Patches the standard library for gevent before anything else is imported; nothing more.

It is loaded by ``-p`` in pytest's options, because a conftest is read too late: what was
imported before the patch (psycopg, redis, ssl) would block the whole loop.
"""

from gevent import monkey

monkey.patch_all()
