"""Watches the children: starts those that died again, asks after those that run, and ends them all in order.

Runs in one thread, the main one: the kernel ties a child's life to the thread that started it.
"""

from __future__ import annotations

import select
import signal
import socket
from collections.abc import Callable, Sequence

from zgpt.core import clock

from . import screen
from .child import Child, died_of

STARTING_ASK_S = 0.05
RUNNING_ASK_S = 5.0
STOP_TIMEOUT_S = 30.0
"""More than gunicorn's graceful_timeout, after which it ends its workers itself."""

_STOPS = (signal.SIGTERM, signal.SIGINT)


class Supervisor:
    """`server` is the child that everything is for; `helpers` may die and come back without its noticing."""

    def __init__(self, server: Child, helpers: Sequence[Child], on_ready: Callable[[Child], None]) -> None:
        self._server = server
        self._children = [*helpers, server]
        self._on_ready = on_ready
        self._stops = 0
        self._ask_at_s = dict.fromkeys([id(child) for child in self._children], 0.0)
        self._wakeup, self._signals = socket.socketpair()
        for end in (self._wakeup, self._signals):
            end.setblocking(False)

    def run(self) -> int:
        """Until a signal ends it, or the server cannot be started; the exit status."""
        signal.set_wakeup_fd(self._signals.fileno())
        for signum in (*_STOPS, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(signum, lambda *_: None)  # the wake-up descriptor tells which
        while not self._stops:
            for child in self._children:
                self._look_after(child)
            if not self._server.ever_healthy and self._server.process is None:
                screen.fault("The server could not be started; what it said stands above.")
                self._stop()
                return 1
            self._sleep()
        self._stop()
        return 0

    def _look_after(self, child: Child) -> None:
        now_s = clock.monotonic()
        if child.process is None:
            if now_s >= child.start_at_s:
                child.start()
                self._ask_at_s[id(child)] = now_s
            return
        status = child.ended()
        if status is not None:
            wait_s = child.start_at_s - now_s
            screen.fault(f"The {child.plan.name} ended ({died_of(status)}); it starts again in {wait_s:.1f} s.")
            return
        if now_s >= self._ask_at_s[id(child)]:
            was_healthy = child.healthy
            if child.ask() and not was_healthy:
                self._on_ready(child)
            self._ask_at_s[id(child)] = clock.monotonic() + (RUNNING_ASK_S if child.healthy else STARTING_ASK_S)

    def _sleep(self) -> None:
        """Until a signal, or until a child is due."""
        due_s = [self._ask_at_s[id(child)] if child.process else child.start_at_s for child in self._children]
        select.select([self._wakeup], [], [], max(0.0, min(due_s) - clock.monotonic()))
        self._read_signals()

    def _read_signals(self) -> None:
        try:
            received = self._wakeup.recv(4096)
        except BlockingIOError:
            return
        for signum in received:
            if signum in _STOPS:
                self._stops += 1
            elif signum == signal.SIGHUP:
                screen.step("Reloading the server.")
                self._server.signal(signal.SIGHUP)

    def _stop(self) -> None:
        """The server first, so that it can drain; then the helpers. A second signal hurries it."""
        screen.step("Stopping.")
        self._end(self._server)
        for child in self._children:
            self._end(child)

    def _end(self, child: Child) -> None:
        child.signal(signal.SIGTERM)
        until_s, hurried = clock.monotonic() + STOP_TIMEOUT_S, False
        while not child.wait(0.05):
            self._read_signals()
            if self._stops > 1 and not hurried:
                child.signal(signal.SIGQUIT)
                hurried, until_s = True, clock.monotonic() + 1
            if clock.monotonic() > until_s:
                child.signal(signal.SIGKILL)
                until_s += STOP_TIMEOUT_S
