"""What has to happen before this process may exit: callbacks, in order. Who calls them is the worker."""

from collections.abc import Callable, Iterable
from typing import Final

import structlog

leave_callbacks: Final[list[Callable[[], None]]] = []
drain_callbacks: Final[list[Callable[[], None]]] = []
log = structlog.get_logger(__name__)
_draining = False


def on_leave(callback: Callable[[], None]) -> Callable[[], None]:
    """Call `callback` once when it is clear that this process will exit, while it still serves. Returns it."""
    leave_callbacks.append(callback)
    return callback


def on_drain(callback: Callable[[], None]) -> Callable[[], None]:
    """Call `callback` once when this process is about to exit: it may block, but for seconds only. Returns it."""
    drain_callbacks.append(callback)
    return callback


def draining() -> bool:
    """Whether the exit has begun, so that nothing long should be started any more."""
    return _draining


def leave() -> None:
    """This process will exit, as soon as those who come have come."""
    _call(leave_callbacks)


def drain() -> None:
    """Run all callbacks in the order in which they were given; one that fails does not keep the others from running."""
    global _draining
    _draining = True
    _call(drain_callbacks)


def _call(callbacks: Iterable[Callable[[], None]]) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception:
            # The process ends in any case: the other callbacks have to run before that.
            log.exception("drain_callback_failed")
