"""Where an accepted socket waits until its client has asked something, and who is let in then. HTTP is gunicorn's.

A greenlet per client that is silent, or drips its head a byte at a time, would fill the pool with nobody's requests.
Here who has not sent a whole head costs a watcher; and when the pool is full, questions after our health are still
answered, everybody else is told to come back.
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
from zgpt.realtime.bare_answers import TOO_LONG, TOO_MANY, TOO_SLOW, BareAnswer
from zgpt.realtime.door import Door, is_upgrade

HEAD_S: Final = 8.0
"""How long a client may take for its first head: cut before ten seconds are over, whenever the sweep comes. Browsers
open sockets ahead of need, and open another when this one is gone."""
HEAD_BYTES: Final = 16_384
"""A longer head is refused, whole or not: what browsers and proxies send is a tenth of it."""
WAITING_MOST: Final = 4_096
"""Clients without a whole head at once; the one that has waited longest makes room for another."""
PROBES_AT_ONCE: Final = 64
SWEEP_S: Final = 1.0

_PROBES: Final = (b"GET /healthz ", b"GET /readyz ", b"HEAD /healthz ", b"HEAD /readyz ")


@dataclass(slots=True, eq=False)
class Caller:
    """A client that was accepted: its socket, what to do with it, and until when its head must be whole."""

    sock: socket.socket
    serve: Callable[[], object]
    """Answers its requests, in a greenlet; closes the socket."""
    close: Callable[[], object]
    due_s: float
    watcher: Any
    said: int = 0
    """Bytes of a head that is not whole yet."""


class Lobby:
    """Stands between gevent's server and its pool: give `admit` to the server as its `spawn`."""

    def __init__(self, room: int, *, https: bool = False) -> None:
        """`room`: requests at once. `https`: whether browsers reach us by it, for the answers given here."""
        self._https = https
        self._room = room
        self._pool = Pool(room)
        self._probes = Pool(PROBES_AT_ONCE)
        self._waiting: dict[Caller, None] = {}
        self._door = Door(self._let_in, lambda: not self.crowded)
        self._timer: Any = None

    def __len__(self) -> int:
        """Clients that have no answer yet: still asking, or before the door."""
        return len(self._waiting) + len(self._door)

    @property
    def crowded(self) -> bool:
        """Whether the next request would be refused."""
        return self._pool.free_count() == 0

    @property
    def busy(self) -> bool:
        """Whether half of all places are taken: nobody should keep one for a later request now."""
        return self._pool.free_count() * 2 < self._room

    def admit(self, run: Callable[..., object], handle: object, close: Callable[..., object], args: Any) -> None:
        """What gevent's server calls for each accepted socket; see `BaseServer.do_handle`. Never waits."""
        sock = args[0]
        sock.setblocking(False)
        watcher = get_hub().loop.io(sock.fileno(), 1)
        due_s = clock.monotonic() + HEAD_S
        caller = Caller(sock, lambda: run(handle, close, args), lambda: close(*args), due_s, watcher)
        if len(self._waiting) >= WAITING_MOST:
            self._give_up(next(iter(self._waiting)))
        self._waiting[caller] = None
        watcher.start(self._speaks, caller)
        if self._timer is None:
            self._timer = get_hub().loop.timer(SWEEP_S, SWEEP_S, ref=False)
            self._timer.start(self._sweep)

    def close(self) -> None:
        """The process ends: who has asked nothing yet is not waited for."""
        for caller in list(self._waiting):
            self._dismiss(caller)
        self._door.close()
        if self._timer is not None:
            self._timer.close()
            self._timer = None

    def _speaks(self, caller: Caller) -> None:
        try:
            begin = caller.sock.recv(HEAD_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            begin = b""
        if b"\r\n\r\n" in begin:
            self._forget(caller)
            self._take(caller, begin)
        elif len(begin) == caller.said:
            # Woken by nothing new: the client has closed its end.
            self._dismiss(caller)
        elif len(begin) == HEAD_BYTES:
            self._refuse(caller, TOO_LONG)
        else:
            caller.said = len(begin)
            _wake_at(caller.sock, caller.said + 1)

    def _take(self, caller: Caller, begin: bytes) -> None:
        if caller.said:
            _wake_at(caller.sock, 1)
        upgrade = is_upgrade(begin)
        if upgrade and not self._door.full:
            self._door.enter(caller)
        elif not upgrade and not self.crowded:
            self._pool.spawn(caller.serve)
        elif begin.startswith(_PROBES) and self._probes.free_count():
            self._probes.spawn(caller.serve)
        else:
            _count("requests")
            self._refuse(caller, TOO_MANY)

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
            self._give_up(caller)

    def _give_up(self, caller: Caller) -> None:
        """Whoever began a request is told; a browser would take words on a socket that it never used for an answer."""
        if caller.said:
            _count("heads")
            self._refuse(caller, TOO_SLOW)
        else:
            self._dismiss(caller)

    def _refuse(self, caller: Caller, answer: BareAnswer) -> None:
        with contextlib.suppress(OSError):
            # What is left unread would turn the close into a reset, which may overtake the answer.
            caller.sock.recv(1 << 16)
            caller.sock.send(answer.encode(https=self._https))
        self._dismiss(caller)

    def _dismiss(self, caller: Caller) -> None:
        self._forget(caller)
        caller.close()

    def _forget(self, caller: Caller) -> None:
        self._waiting.pop(caller, None)
        caller.watcher.close()


def _wake_at(sock: socket.socket, size: int) -> None:
    """Have the watcher called when so many bytes are there, and not all the time for those that were looked at."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


def _count(limit: str) -> None:
    # The master must not load what belongs to the app (see worker.py).
    from zgpt.core import metrics

    metrics.REFUSALS.labels(limit).inc()
