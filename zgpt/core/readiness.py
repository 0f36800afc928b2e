"""Whether this process can do its work: checks by name, which each part adds for itself. Who asks is in `zgpt.ops`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import structlog
from flask import Flask, current_app
from gevent.lock import BoundedSemaphore

from zgpt.core import clock

Check = Callable[[], None]
GOOD_FOR_S = 1.0
"""Anybody may ask, and as often as they like: the parts are asked once a second at most. A balancer asks less often."""
_EXTENSION = "zgpt_readiness"

log = structlog.get_logger(__name__)


class Readiness:
    """The checks of one app, and the answer that everybody gets who asks within `GOOD_FOR_S`."""

    def __init__(self) -> None:
        self.checks: dict[str, tuple[Check, bool]] = {}
        self._asking = BoundedSemaphore()
        self._failed: dict[str, str] = {}
        self._good_until_s = 0.0

    def failures(self) -> dict[str, str]:
        """Who comes while the parts are asked waits for that answer, for seconds at most: each check is bounded."""
        with self._asking:
            if clock.monotonic() >= self._good_until_s:
                failed = ((name, _fault(name, check)) for name, (check, _) in self.checks.items())
                self._failed = {name: fault for name, fault in failed if fault}
                self._good_until_s = clock.monotonic() + GOOD_FOR_S
            return self._failed


def add_check(app: Flask, name: str, check: Check, *, vital: bool = True) -> None:
    """Have `check` asked whenever somebody wants to know; it raises, within seconds, when its part fails.

    Without a `vital` part the process can do nothing; without another it does its work in a poorer way.
    """
    app.extensions.setdefault(_EXTENSION, Readiness()).checks[name] = (check, vital)


def failures() -> dict[str, str]:
    """The parts that did not work up to `GOOD_FOR_S` ago, with the kind of their fault (details are in the log)."""
    return _readiness().failures()


def is_vital(names: Iterable[str]) -> bool:
    """Whether one of these parts is vital."""
    checks = _readiness().checks
    return any(checks[name][1] for name in names)


def _readiness() -> Readiness:
    return cast("Readiness", current_app.extensions[_EXTENSION])


def _fault(name: str, check: Check) -> str | None:
    try:
        check()
    except Exception as error:  # noqa: BLE001 # whatever a part raises, it does not work
        log.warning("not_ready", part=name, error=repr(error))
        return type(error).__name__
    return None
