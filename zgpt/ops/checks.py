"""The readiness checks of what every installation has: the database, and Redis where it is set."""

from functools import partial

from flask import Flask
from sqlalchemy import text

from zgpt.core.config import Settings
from zgpt.core.db import db
from zgpt.core.readiness import add_check
from zgpt.realtime.redis_link import RedisLink


def install_checks(app: Flask, settings: Settings) -> None:
    """Have the parts asked that these settings name."""
    add_check(app, "database", check_database)
    if settings.redis_url:
        add_check(app, "redis", partial(check_redis, settings.redis_url), vital=False)


def check_database() -> None:
    """Raises unless the database answers and was migrated. An older or newer schema is fine: deploys overlap."""
    db.session.execute(text("SELECT version_num FROM alembic_version")).one()


def check_redis(url: str) -> None:
    """Raises unless Redis answers within a second."""
    link = RedisLink(url)
    try:
        link.pipeline([("PING",)])
    finally:
        link.close()
