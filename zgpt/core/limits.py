"""How often somebody may do something: `limited` for routes, `hit` for everything else; one counter for both.

Counting, and what is done while Redis is away, is in `limit_counter`. The rates are settings; a row of `rate_limits`
replaces one for one user, which every process notices within seconds.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar, cast

from flask import Flask, Response, current_app, g, has_request_context, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many
from sqlalchemy import Select, select

from zgpt.core import callers, clock, limit_counter, metrics
from zgpt.core.config import settings
from zgpt.core.db import db
from zgpt.core.errors import RateLimited, Unavailable
from zgpt.core.ids import parse_id
from zgpt.core.models import RateLimit

KEY_PREFIX = "zgpt"
REDIS_TIMEOUT_S = 1.0
API = "/api/"
KNOWN_RATES_S = 5.0
KNOWN_RATES = 10_000
"""Rates of single users are remembered for so long, and so many of them: else each request would ask the database."""
FIXED_RATES = {
    "client_errors": "30 per minute",
    "csp_reports": "30 per minute",
    "export": "6 per hour",
    "mail": "5 per hour",
    "second_factor": "10 per 15 minutes; 40 per day",
    "spraying": "20 per hour",
    "spraying_account": "1 per hour",
}
"""Rates that no operator needs to turn."""

Own = tuple[int, int]
_ANYBODY = ("", "")
"""Where `known_rates` has the rate of somebody, whoever it is."""

View = TypeVar("View", bound=Callable[..., object])


def _key() -> str:
    return callers.user_id() or callers.network(callers.address())


limiter = Limiter(
    key_func=_key,
    strategy=limit_counter.STRATEGY,
    in_memory_fallback_enabled=False,
    headers_enabled=False,
    key_prefix=KEY_PREFIX,
)


def install_limits(app: Flask) -> None:
    """Count for this app, in its Redis if it has one; every call of the API counts for the address it comes from."""
    settings = app.config["ZGPT"]
    app.config["RATELIMIT_STORAGE_URI"] = _storage_url(settings.redis_url) if settings.redis_url else "memory://"
    if settings.redis_url:
        timeouts = {"socket_timeout": REDIS_TIMEOUT_S, "socket_connect_timeout": REDIS_TIMEOUT_S}
        app.config["RATELIMIT_STORAGE_OPTIONS"] = timeouts
    limiter.init_app(app)
    cast("limit_counter.PatientCounter", limiter.limiter).without_store = settings.limits_without_redis
    app.extensions["known_rates"] = {}
    app.before_request(_count_address)
    app.after_request(_tell_limits)


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
        passed = limiter.limiter.hit(item, KEY_PREFIX, key, name, cost=cost)
        if not passed or item.amount <= limit_counter.EXACT_MOST:
            _note(item, key, name)
        if not passed:
            raise rate_limited(name, limiter.limiter.get_window_stats(item, KEY_PREFIX, key, name).reset_time)


def rate_limited(name: str, reset_at_s: float) -> RateLimited:
    """The problem to tell, with the time to wait; counts it."""
    metrics.RATE_LIMITED.labels(name).inc()
    wait_ms = max(1_000, int(reset_at_s * 1_000) - clock.now_ms())
    return RateLimited(retry_after_ms=wait_ms)


def rate_of(name: str, user_id: str | None) -> str:
    """The rate in words, like "30 per minute": the user's own, else the setting's."""
    fallback: str = FIXED_RATES.get(name) or getattr(settings(), f"limit_{name}")
    own = own_limit(name, user_id) if user_id and _is_id(user_id) else None
    return f"{own[0]} per {own[1]} second" if own else fallback


def own_limit(name: str, user_id: str) -> Own | None:
    """Amount and seconds that `rate_limits` gives this user for this limit, up to `KNOWN_RATES_S` ago; or None."""
    # As a rule nobody has one: then not each of those who come back at once has to be looked up.
    if _known(_ANYBODY, lambda: _read(select(RateLimit.amount, RateLimit.per_s).limit(1))) is None:
        return None
    return _known((name, user_id), lambda: _read_own(name, user_id))


def _known(key: tuple[str, str], read: Callable[[], Own | None]) -> Own | None:
    known: dict[tuple[str, str], tuple[float, Own | None]] = current_app.extensions["known_rates"]
    read_s, found = known.get(key, (0.0, None))
    now_s = clock.monotonic()
    if read_s and now_s - read_s < KNOWN_RATES_S:
        return found
    if len(known) >= KNOWN_RATES:
        known.clear()
    found = read()
    known[key] = (now_s, found)
    return found


def _read_own(name: str, user_id: str) -> Own | None:
    own = select(RateLimit.amount, RateLimit.per_s)
    return _read(own.where(RateLimit.user_id == user_id, RateLimit.name == name))


def _read(rates: Select[int, int]) -> Own | None:
    # Not by the session, which would keep a connection of the pool while the store is asked.
    with db.engine.connect() as connection:
        row = connection.execute(rates).first()
    return (row.amount, row.per_s) if row else None


def _is_id(key: str) -> bool:
    with suppress(ValueError):
        return bool(parse_id(key))
    return False


def _count_address() -> None:
    """Calls of the API, by network; this machine itself is not counted (see `callers.counted_network`)."""
    network = callers.counted_network() if request.path.startswith(API) else ""
    if network:
        hit("addresses", network)


def _note(item: RateLimitItem, key: str, name: str) -> None:
    if has_request_context():
        g.counted_limit = (item, key, name)


def _tell_limits(response: Response) -> Response:
    """The limit that this request was counted for last, in the fields of draft-ietf-httpapi-ratelimit-headers-03.

    Without them where the store went away since: what was done by then must not be answered with a fault.
    """
    try:
        counted = _counted()
    except Unavailable:
        return response
    if counted:
        amount, (reset_s, remaining) = counted
        response.headers["RateLimit-Limit"] = str(amount)
        response.headers["RateLimit-Remaining"] = str(max(0, remaining))
        response.headers["RateLimit-Reset"] = str(max(0, math.ceil(reset_s - clock.now_ms() / 1_000)))
    return response


def _counted() -> tuple[int, tuple[float, int]] | None:
    """What `hit` counted, else what Flask-Limiter counted for the route: the amount, when it is reset, and the rest."""
    noted: tuple[RateLimitItem, str, str] | None = g.get("counted_limit")
    if noted:
        item, key, name = noted
        return item.amount, limiter.limiter.get_window_stats(item, KEY_PREFIX, key, name)
    of_route = limiter.current_limit
    return (of_route.limit.amount, of_route.window) if of_route else None
