"""Whether this process can do its work: checks by name, which each part adds for itself. Who asks is in `zgpt.ops`."""

from collections.abc import Callable, Iterable
from typing import cast

import structlog
from flask import Flask, current_app

Check = Callable[[], None]
_EXTENSION = "zgpt_readiness"

log = structlog.get_logger(__name__)


def add_check(app: Flask, name: str, check: Check, *, vital: bool = True) -> None:
    """Have `check` asked whenever somebody wants to know; it raises, within seconds, when its part fails.

    Without a `vital` part the process can do nothing; without another it does its work in a poorer way.
    """
    app.extensions.setdefault(_EXTENSION, {})[name] = (check, vital)


def failures() -> dict[str, str]:
    """The parts that do not work, with the kind of their fault (details are in the log)."""
    failed = ((name, _fault(name, check)) for name, (check, _) in _checks().items())
    return {name: fault for name, fault in failed if fault}


def is_vital(names: Iterable[str]) -> bool:
    """Whether one of these parts is vital."""
    return any(_checks()[name][1] for name in names)


def _checks() -> dict[str, tuple[Check, bool]]:
    return cast("dict[str, tuple[Check, bool]]", current_app.extensions.get(_EXTENSION, {}))


def _fault(name: str, check: Check) -> str | None:
    try:
        check()
    except Exception as error:  # noqa: BLE001 # whatever a part raises, it does not work
        log.warning("not_ready", part=name, error=repr(error))
        return type(error).__name__
    return None
