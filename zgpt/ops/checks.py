"""The readiness checks of what every installation has: the database, and Redis where it is set."""

from typing import cast

from flask import Flask
from sqlalchemy import text

from zgpt.core.config import Settings
from zgpt.core.db import db
from zgpt.core.readiness import add_check
from zgpt.realtime.broker_redis import RedisBroker
from zgpt.realtime.server import current


def install_checks(app: Flask, settings: Settings) -> None:
    """Have the parts asked that these settings name."""
    add_check(app, "database", check_database)
    if settings.redis_url:
        add_check(app, "redis", check_redis, vital=False)


def check_database() -> None:
    """Raises unless the database answers and was migrated. An older or newer schema is fine: deploys overlap."""
    db.session.execute(text("SELECT version_num FROM alembic_version")).one()


def check_redis() -> None:
    """Raises unless Redis answers within two seconds, on the connection by which this process asks all it asks."""
    cast("RedisBroker", current().broker).ask([("PING",)])
