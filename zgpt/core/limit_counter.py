"""Counts against a rate, in Redis or in this process, and decides while Redis is away. Which rates: `limits`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import structlog
from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage
from limits.strategies import STRATEGIES, MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter
from limits.util import WindowStats
from redis.exceptions import RedisError

from zgpt.core import clock, metrics
from zgpt.core.errors import Unavailable

STRATEGY: Final = "zgpt"
STORE_PAUSE_S: Final = 2.0
"""After a failure of the store it is not asked again for so long: its time-out would hold up every request."""
EXACT_MOST: Final = 500
"""Up to this amount every hit is remembered and the count is exact; above it two counters stand for all of them."""

WithoutStore = Literal["local", "open", "closed"]
T = TypeVar("T")
log = structlog.get_logger(__name__)


class PatientCounter(RateLimiter):
    """A strategy of `limits` that never fails for its store: `without_store` says what is done instead.

    `local` counts in this process, `open` lets everything pass, `closed` raises Unavailable.
    """

    def __init__(self, storage: Any) -> None:
        super().__init__(storage)
        self.without_store: WithoutStore = "local"
        self._shared = _Windows(storage)
        self._own = _Windows(MemoryStorage())
        self._away_until_s = 0.0

    def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        return self._ask(lambda windows: windows.of(item).hit(item, *identifiers, cost=cost), passes=True)

    def test(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        return self._ask(lambda windows: windows.of(item).test(item, *identifiers, cost=cost), passes=True)

    def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        unknown = WindowStats(clock.now_ms() / 1_000, item.amount)
        return self._ask(lambda windows: windows.of(item).get_window_stats(item, *identifiers), passes=unknown)

    def _ask(self, question: Callable[[_Windows], T], passes: T) -> T:
        if clock.monotonic() >= self._away_until_s:
            try:
                return question(self._shared)
            except (StorageError, RedisError):
                self._away_until_s = clock.monotonic() + STORE_PAUSE_S
                log.warning("rate_limit_store_down", next_try_s=STORE_PAUSE_S, meanwhile=self.without_store)
        return self._without(question, passes)

    def _without(self, question: Callable[[_Windows], T], passes: T) -> T:
        metrics.LIMITS_WITHOUT_STORE.labels(self.without_store).inc()
        if self.without_store == "closed":
            words = "Limits cannot be checked at the moment, so nothing is accepted. Try again in a moment."
            raise Unavailable(words, retry_after_ms=int(STORE_PAUSE_S * 1_000))
        return question(self._own) if self.without_store == "local" else passes


class _Windows:
    """The two ways of counting in one store."""

    def __init__(self, storage: Storage) -> None:
        self._exact = MovingWindowRateLimiter(storage)
        self._rough = SlidingWindowCounterRateLimiter(storage)

    def of(self, item: RateLimitItem) -> RateLimiter:
        return self._exact if item.amount <= EXACT_MOST else self._rough


# Flask-Limiter takes its strategy by name from this table and from nowhere else.
STRATEGIES[STRATEGY] = PatientCounter  # type: ignore[assignment]  # the table names its own classes alone
