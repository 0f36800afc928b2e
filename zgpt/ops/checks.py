"""The readiness checks of what every installation has: the database, and Redis where it is set."""

from functools import partial

import redis
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import text

from zgpt.core.config import Settings
from zgpt.core.db import db
from zgpt.core.readiness import add_check

TIMEOUT_S = 1.0


def install_checks(app: Flask, settings: Settings) -> None:
    """Have the parts asked that these settings name."""
    add_check(app, "database", check_database)
    if settings.redis_url:
        client = redis.Redis.from_url(
            settings.redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        add_check(app, "redis", partial(check_redis, client))


def check_database() -> None:
    """Raises unless the database answers and was migrated. An older or newer schema is fine: deploys overlap."""
    db.session.execute(text("SELECT version_num FROM alembic_version")).one()


def check_redis(client: redis.Redis) -> None:
    """Raises unless Redis answers."""
    client.ping()
