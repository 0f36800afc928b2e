"""Where an accepted socket waits until its client says something, and who is let in then. HTTP itself is gunicorn's.

A greenlet per silent client would fill the pool with nobody's requests. Here silence costs a watcher; and when the pool
is full, questions after our health are still answered, everybody else is told to come back.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from gevent import get_hub
from gevent.pool import Pool

from zgpt.core import clock
from zgpt.core.headers import bare_lines
from zgpt.realtime.door import Door, is_upgrade

SILENCE_S: Final = 10.0
"""How long a client may take to begin. Browsers open sockets ahead of need, and open another when this one is gone."""
WAITING_MOST: Final = 4_096
"""Silent clients at once; the one that has waited longest makes room for another."""
PROBES_AT_ONCE: Final = 64
PROBE_BYTES: Final = 4_096
SWEEP_S: Final = 1.0
RETRY_AFTER_S: Final = 2

_PROBES: Final = (b"GET /healthz ", b"GET /readyz ", b"HEAD /healthz ", b"HEAD /readyz ")
_BODY: Final = (
    b'{"type":"about:blank","title":"Service Unavailable","status":503,"code":"unavailable","retryable":true,'
    b'"retry_after_ms":%d,"detail":"Too many requests are being answered. Come back in a moment."}'
    % (RETRY_AFTER_S * 1_000)
)
REFUSAL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nContent-Type: application/problem+json\r\n"
    b"Cache-Control: no-store\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s"
    % (RETRY_AFTER_S, len(_BODY), bare_lines(https=False), _BODY)
)


@dataclass(slots=True, eq=False)
class Caller:
    """A client that was accepted: its socket, what to do with it, and until when it may be silent."""

    sock: socket.socket
    serve: Callable[[], object]
    """Answers its requests, in a greenlet; closes the socket."""
    close: Callable[[], object]
    due_s: float
    watcher: Any


class Lobby:
    """Stands between gevent's server and its pool: give `admit` to the server as its `spawn`."""

    def __init__(self, room: int) -> None:
        self._pool = Pool(room)
        self._probes = Pool(PROBES_AT_ONCE)
        self._waiting: dict[Caller, None] = {}
        self._door = Door(self._let_in, lambda: not self.crowded)
        self._timer: Any = None

    def __len__(self) -> int:
        """Clients that have no answer yet: silent, or before the door."""
        return len(self._waiting) + len(self._door)

    @property
    def crowded(self) -> bool:
        """Whether the next request would be refused: nobody should keep a connection for later now."""
        return self._pool.free_count() == 0

    def admit(self, run: Callable[..., object], handle: object, close: Callable[..., object], args: Any) -> None:
        """What gevent's server calls for each accepted socket; see `BaseServer.do_handle`. Never waits."""
        sock = args[0]
        sock.setblocking(False)
        watcher = get_hub().loop.io(sock.fileno(), 1)
        due_s = clock.monotonic() + SILENCE_S
        caller = Caller(sock, lambda: run(handle, close, args), lambda: close(*args), due_s, watcher)
        if len(self._waiting) >= WAITING_MOST:
            self._dismiss(next(iter(self._waiting)))
        self._waiting[caller] = None
        watcher.start(self._speaks, caller)
        if self._timer is None:
            self._timer = get_hub().loop.timer(SWEEP_S, SWEEP_S, ref=False)
            self._timer.start(self._sweep)

    def close(self) -> None:
        """The process ends: who has said nothing yet is not waited for."""
        for caller in list(self._waiting):
            self._dismiss(caller)
        self._door.close()
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def _speaks(self, caller: Caller) -> None:
        try:
            begin = caller.sock.recv(PROBE_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            begin = b""
        self._forget(caller)
        if not begin:
            caller.close()
        elif is_upgrade(begin) and not self._door.full:
            self._door.enter(caller)
        elif not self.crowded:
            self._pool.spawn(caller.serve)
        elif _is_probe(begin) and self._probes.free_count():
            self._probes.spawn(caller.serve)
        else:
            _refuse(caller)

    def _let_in(self, caller: Caller) -> None:
        self._pool.spawn(self._shake_hands, caller)

    def _shake_hands(self, caller: Caller) -> None:
        try:
            caller.serve()
        finally:
            self._door.done(caller)

    def _sweep(self) -> None:
        now_s = clock.monotonic()
        for caller in [caller for caller in self._waiting if caller.due_s <= now_s]:
            self._dismiss(caller)

    def _dismiss(self, caller: Caller) -> None:
        self._forget(caller)
        caller.close()

    def _forget(self, caller: Caller) -> None:
        self._waiting.pop(caller, None)
        caller.watcher.close()


def _is_probe(begin: bytes) -> bool:
    """A whole request for our health, so that answering it waits for nobody."""
    return begin.startswith(_PROBES) and b"\r\n\r\n" in begin


def _refuse(caller: Caller) -> None:
    # The master must not load what belongs to the app (see worker.py).
    from zgpt.core import metrics

    metrics.REFUSALS.labels("requests").inc()
    with contextlib.suppress(OSError):
        # What is left unread would turn the close into a reset, which may overtake the answer.
        caller.sock.recv(1 << 16)
        caller.sock.send(REFUSAL)
    caller.close()
