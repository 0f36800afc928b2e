"""How often somebody may do something: `limited` for routes, `hit` for everything else; one counter for both.

Counts are kept in this process, or in Redis when it is set; while Redis is away, in this process again. The rates are
settings; a row of `rate_limits` replaces one for one user.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

import structlog
from flask import Flask
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError
from sqlalchemy import select

from zgpt.core import callers, clock, metrics
from zgpt.core.config import settings
from zgpt.core.db import db
from zgpt.core.errors import RateLimited
from zgpt.core.ids import parse_id
from zgpt.core.models import RateLimit

KEY_PREFIX = "zgpt"
REDIS_TIMEOUT_S = 1.0
STORE_PAUSE_S = 2.0
FIXED_RATES = {"client_errors": "30 per minute"}
"""Rates that no operator needs to turn."""

log = structlog.get_logger(__name__)
View = TypeVar("View", bound=Callable[..., object])


def _key() -> str:
    return callers.user_id() or callers.network(callers.address())


limiter = Limiter(
    key_func=_key,
    strategy="moving-window",
    in_memory_fallback_enabled=True,
    headers_enabled=False,
    key_prefix=KEY_PREFIX,
)
_own_count = MovingWindowRateLimiter(MemoryStorage())
_store_down_until_s = 0.0


def install_limits(app: Flask) -> None:
    """Count for this app, in its Redis if it has one."""
    global _store_down_until_s  # one process talks to one store
    _store_down_until_s = 0.0
    redis_url = app.config["ZGPT"].redis_url
    app.config["RATELIMIT_STORAGE_URI"] = _storage_url(redis_url) if redis_url else "memory://"
    if redis_url:
        timeouts = {"socket_timeout": REDIS_TIMEOUT_S, "socket_connect_timeout": REDIS_TIMEOUT_S}
        app.config["RATELIMIT_STORAGE_OPTIONS"] = timeouts
    limiter.init_app(app)


def _storage_url(redis_url: str) -> str:
    """The same Redis in the words of `limits`, which knows Sentinels without a database number."""
    if redis_url.startswith("unix://"):
        return f"redis+{redis_url}"
    if redis_url.startswith("sentinel://"):
        place, _, path = redis_url.removeprefix("sentinel://").partition("/")
        return f"redis+sentinel://{place}/{path.partition('/')[0]}"
    return redis_url


def limited(name: str) -> Callable[[View], View]:
    """Limit a route by the rate called `name` (`signup`, `login`, `messages` …): per user, else per address.

    Place it below `signed_in`, so that the user is known.
    """
    rate = limiter.shared_limit(lambda: rate_of(name, callers.user_id()), scope=name)
    return cast("Callable[[View], View]", rate)


def hit(name: str, key: str, cost: int = 1) -> None:
    """Count `cost` of the rate called `name` for `key` (a user's id, an address …). Raises RateLimited."""
    for item in parse_many(rate_of(name, key)):
        if not _count(item, key, name, cost):
            raise rate_limited(name, _reset_at_s(item, key, name))


def rate_limited(name: str, reset_at_s: float) -> RateLimited:
    """The problem to tell, with the time to wait; counts it."""
    metrics.RATE_LIMITED.labels(name).inc()
    wait_ms = max(1_000, int(reset_at_s * 1_000) - clock.now_ms())
    return RateLimited(retry_after_ms=wait_ms)


def rate_of(name: str, user_id: str | None) -> str:
    """The rate in words, like "30 per minute": the user's own, else the setting's."""
    fallback: str = FIXED_RATES.get(name) or getattr(settings(), f"limit_{name}")
    if user_id is None or not _is_id(user_id):
        return fallback
    own = select(RateLimit.amount, RateLimit.per_s).where(RateLimit.user_id == user_id, RateLimit.name == name)
    # Not by the session, which would keep a connection of the pool while the store is asked.
    with db.engine.connect() as connection:
        row = connection.execute(own).first()
    return f"{row.amount} per {row.per_s} second" if row else fallback


def _is_id(key: str) -> bool:
    with suppress(ValueError):
        return bool(parse_id(key))
    return False


def _count(item: RateLimitItem, key: str, name: str, cost: int) -> bool:
    """Count in the store; for some seconds after a failure of it only in this process, for its time-out is long."""
    global _store_down_until_s  # one process talks to one store
    if clock.monotonic() < _store_down_until_s:
        return _own_count.hit(item, KEY_PREFIX, key, name, cost=cost)
    try:
        return limiter.limiter.hit(item, KEY_PREFIX, key, name, cost=cost)
    except (StorageError, RedisError):
        _store_down_until_s = clock.monotonic() + STORE_PAUSE_S
        log.warning("rate_limit_store_down", next_try_s=STORE_PAUSE_S)
        return _own_count.hit(item, KEY_PREFIX, key, name, cost=cost)


def _reset_at_s(item: RateLimitItem, key: str, name: str) -> float:
    counter = _own_count if clock.monotonic() < _store_down_until_s else limiter.limiter
    with suppress(StorageError, RedisError):
        return counter.get_window_stats(item, KEY_PREFIX, key, name).reset_time
    return clock.now_ms() / 1_000
