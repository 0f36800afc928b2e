"""Whether this process can do its work: checks by name, which each part adds for itself. Who asks is in `zgpt.ops`."""

from collections.abc import Callable

import structlog
from flask import Flask, current_app

Check = Callable[[], None]
_EXTENSION = "zgpt_readiness"

log = structlog.get_logger(__name__)


def add_check(app: Flask, name: str, check: Check) -> None:
    """Have `check` asked whenever somebody wants to know; it raises, within seconds, when its part fails."""
    app.extensions.setdefault(_EXTENSION, {})[name] = check


def failures() -> dict[str, str]:
    """The parts that do not work, with the kind of their fault (details are in the log)."""
    checks: dict[str, Check] = current_app.extensions.get(_EXTENSION, {})
    failed = ((name, _fault(name, check)) for name, check in checks.items())
    return {name: fault for name, fault in failed if fault}


def _fault(name: str, check: Check) -> str | None:
    try:
        check()
    except Exception as error:  # noqa: BLE001 # whatever a part raises, it does not work
        log.warning("not_ready", part=name, error=repr(error))
        return type(error).__name__
    return None
