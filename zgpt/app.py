"""Makes the application: `create_app()` names its parts in the order they are needed. None is implemented here."""

from pathlib import Path

from flask import Flask

from zgpt.auth.mail import finish_mail, install_mail
from zgpt.auth.tokens import install_tokens
from zgpt.auth.views import blueprint as auth
from zgpt.chat.views import blueprint as chat
from zgpt.core.chores import start_chores, stop_chores
from zgpt.core.config import Settings, load_settings
from zgpt.core.data_key import install_data_key
from zgpt.core.db import db
from zgpt.core.engine import engine_options, prepare_engine
from zgpt.core.limits import install_limits
from zgpt.core.logs import configure_logs
from zgpt.core.metrics import install_metrics
from zgpt.core.problems import install_problems
from zgpt.core.request_log import install_request_log
from zgpt.core.security import install_security
from zgpt.core.wal import start_wal_mover, stop_wal_mover
from zgpt.core.wire import WireJson
from zgpt.gateway.departure import Departure
from zgpt.gateway.views import register as register_gateway
from zgpt.gateway.views import start_gateway, stop_gateway
from zgpt.moderation.moderation import install_moderation, start_moderation, stop_moderation
from zgpt.ops.checks import install_checks
from zgpt.ops.views import register as register_ops
from zgpt.privacy.views import register as register_privacy
from zgpt.realtime.broker import Broker, MemoryBroker
from zgpt.realtime.broker_redis import RedisBroker
from zgpt.realtime.drain import on_drain, on_leave
from zgpt.realtime.flush import FlushClock
from zgpt.realtime.hub import Hub
from zgpt.realtime.server import Realtime
from zgpt.runs.setup import init_runs, start_runs, stop_runs
from zgpt.runs.views import blueprint as runs

ROOT = Path(__file__).resolve().parent.parent
ESCAPED_BYTES = 6
"""What one byte of text can take in JSON: backslash, u and four digits."""
OTHER_FIELDS_BYTES = 16_384


def create_app(settings: Settings | None = None) -> Flask:
    """The application for these settings (default: those of the environment). Raises ConfigError."""
    settings = settings or load_settings()
    configure_logs(settings)
    app = _flask(settings)
    install_request_log(app)
    install_security(app, settings)
    install_problems(app)
    install_metrics(app)
    install_limits(app)
    _install_database(app, settings)
    install_checks(app, settings)
    install_tokens(app, settings)
    install_data_key(app, settings)
    install_mail(app)
    install_moderation(app, settings)
    init_runs(app, settings, _install_realtime(app, settings))
    _register_views(app, settings)
    return app


def start_background(app: Flask) -> None:
    """In the process that serves, and nowhere else: take up interrupted runs, watch deadlines, and drain at the end."""
    departure = Departure(app, app.config["ZGPT"])
    start_runs(app)
    start_gateway(app)
    start_chores(app)
    start_wal_mover(app, app.config["ZGPT"])
    start_moderation(app)
    on_drain(lambda: stop_moderation(app))
    on_drain(lambda: stop_chores(app))
    on_drain(lambda: stop_wal_mover(app))
    on_drain(lambda: finish_mail(app))
    departure.start()
    on_leave(departure.leave)
    on_drain(departure.quiet)
    on_drain(lambda: stop_runs(app))
    on_drain(departure.pass_on)
    on_drain(lambda: stop_gateway(app))
    on_drain(departure.close)


def _flask(settings: Settings) -> Flask:
    settings.instance_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask("zgpt", instance_path=str(settings.instance_dir), static_folder=str(ROOT / "static"))
    app.config["ZGPT"] = settings
    app.config["MAX_CONTENT_LENGTH"] = ESCAPED_BYTES * settings.max_message_bytes + OTHER_FIELDS_BYTES
    app.json = WireJson(app)
    return app


def _install_database(app: Flask, settings: Settings) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine, settings)


def _install_realtime(app: Flask, settings: Settings) -> Realtime:
    hub = Hub(FlushClock(settings.flush_window_ms / 1_000))
    broker: Broker = MemoryBroker()
    if settings.redis_url:
        broker = RedisBroker(settings.redis_url, broker.process_id, hub.live_run)
    broker.attach(hub)
    realtime = app.extensions["realtime"] = Realtime(hub, broker)
    return realtime


def _register_views(app: Flask, settings: Settings) -> None:
    for blueprint in (auth, chat, runs):
        app.register_blueprint(blueprint)
    register_gateway(app, settings)
    register_privacy(app)
    register_ops(app)
