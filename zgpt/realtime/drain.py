"""What has to happen before this process may exit: callbacks, in order. Who calls them is the worker."""

from collections.abc import Callable
from typing import Final

import structlog

drain_callbacks: Final[list[Callable[[], None]]] = []
log = structlog.get_logger(__name__)
_draining = False


def on_drain(callback: Callable[[], None]) -> Callable[[], None]:
    """Call `callback` once when this process is about to exit: it may block, but for seconds only. Returns it."""
    drain_callbacks.append(callback)
    return callback


def draining() -> bool:
    """Whether the exit has begun, so that nothing long should be started any more."""
    return _draining


def drain() -> None:
    """Run all callbacks in the order in which they were given; one that fails does not keep the others from running."""
    global _draining
    _draining = True
    for callback in drain_callbacks:
        try:
            callback()
        except Exception:
            log.exception("drain_callback_failed")
