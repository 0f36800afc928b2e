"""The entry of every WSGI server. Nothing but the patch and the app is here."""

from gevent import monkey

monkey.patch_all()

from zgpt.app import create_app, start_background  # noqa: E402  # psycopg and ssl must be imported after the patch

app = create_app()
start_background(app)
