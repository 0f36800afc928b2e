"""How many lines the audit log takes of somebody who guesses: the first ones in full, the rest as a number.

Lines are never taken out again, so nobody may fill the disk with failures. It is counted per process; the number of
those that were not written stands in the next line that is (`unwritten`), and in a metric.
"""

from dataclasses import dataclass, field

from flask import current_app

from zgpt.core import clock, metrics

WINDOW_S = 600.0
PER_USER = 10
PER_NETWORK = 20
PER_PROCESS = 500
"""Of one kind in one window. The last is for guessers with many addresses: 500 lines are about 150 KiB."""
_EXTENSION = "zgpt_audit_failures"
KEYS_MOST = 10_000
"""Above it the oldest counts are forgotten: a bound of memory, not a rule."""


@dataclass(slots=True)
class _Count:
    most: int
    began_s: float
    lines: int = 0
    unwritten: int = 0


@dataclass(slots=True)
class FailureBound:
    """One per app and process."""

    _counts: dict[tuple[str, str], _Count] = field(default_factory=dict)

    def admit(self, kind: str, account: str | None, network: str) -> int | None:
        """How many went unwritten before this one, which is to be written; None when it is only counted.

        `network` is empty where nobody can tell who is behind it (`callers.counted_network`).
        """
        mosts = {f"user {account}": PER_USER} if account else {}
        mosts |= {f"network {network}": PER_NETWORK} if network else {}
        mosts[""] = PER_PROCESS
        counts = [self._count(kind, key, most) for key, most in mosts.items()]
        if any(count.lines >= count.most for count in counts):
            counts[0].unwritten += 1
            metrics.AUDIT_UNWRITTEN.labels(kind).inc()
            return None
        unwritten, counts[0].unwritten = counts[0].unwritten, 0
        for count in counts:
            count.lines += 1
        return unwritten

    def _count(self, kind: str, key: str, most: int) -> _Count:
        now_s, name = clock.monotonic(), (kind, key)
        known = self._counts.get(name)
        if known is not None and now_s - known.began_s < WINDOW_S:
            return known
        fresh = _Count(most, now_s, unwritten=self._counts.pop(name).unwritten if known else 0)
        self._counts[name] = fresh
        if len(self._counts) > KEYS_MOST:
            self._counts.pop(next(iter(self._counts)))
        return fresh


def failures() -> FailureBound:
    """What the current app has counted."""
    bound: FailureBound = current_app.extensions.setdefault(_EXTENSION, FailureBound())
    return bound
