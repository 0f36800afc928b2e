"""Lets clients that open a WebSocket in as fast as they can be served, and no faster; who waits costs a socket.

After a crash everybody returns within a second. Let in all at once, each would wait for the work of all others, give up
(a page does after 10 s) and come again, and the work for those who gave up would keep out the rest. Here they wait
before the handshake, in the order of their coming. What is done with who is let in: lobby.py.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from gevent import get_hub

from zgpt.core import clock

if TYPE_CHECKING:
    from zgpt.realtime.lobby import Caller

AT_ONCE: Final = 8
"""Clients that are being let in: enough to keep a core busy, few enough that each is up to date in a moment."""
HANDSHAKE_S: Final = 1.0
"""A handshake that takes longer waits for something else than us, and keeps nobody out."""
LOOK_S: Final = 0.005
TRICKLE_S: Final = 0.1
"""One is let in this often, however much is at work: those who are inside must not keep the others out for good."""
HELD_MOST: Final = 8_192
"""Who comes then is told to come back: a socket with its buffers is some kilobytes."""
_TCP_INFO: Final = getattr(socket, "TCP_INFO", None)
_ESTABLISHED: Final = 1

workloads: Final[list[Callable[[], int]]] = []
"""How much else is at work for clients that were let in; the gateway adds its commands."""


class Door:
    """A queue before the handshake. `admit` starts it, and calls `done` when it is over."""

    def __init__(self, admit: Callable[[Caller], None], has_room: Callable[[], bool]) -> None:
        self._admit = admit
        self._has_room = has_room
        self._held: deque[Caller] = deque()
        self._inside: dict[Caller, float] = {}
        self._admitted_s = clock.monotonic()
        self._timer: Any = None

    def __len__(self) -> int:
        return len(self._held) + len(self._inside)

    @property
    def full(self) -> bool:
        """Whether no more can wait."""
        return len(self._held) >= HELD_MOST

    def enter(self, caller: Caller) -> None:
        """Let in at once, or as soon as those before it have been served."""
        self._held.append(caller)
        self._let_in()

    def done(self, caller: Caller) -> None:
        """Its handshake is over."""
        self._inside.pop(caller, None)

    def close(self) -> None:
        """Nobody is let in any more."""
        for caller in self._held:
            caller.close()
        self._held.clear()
        self._rest()

    def _let_in(self) -> None:
        while self._held and self._has_room() and self._is_time():
            caller = self._held.popleft()
            if is_gone(caller.sock):
                caller.close()
                continue
            self._inside[caller] = self._admitted_s = clock.monotonic()
            self._admit(caller)
        if not self._held:
            self._rest()
        elif self._timer is None:
            self._timer = get_hub().loop.timer(LOOK_S, LOOK_S)
            self._timer.start(self._let_in)

    def _is_time(self) -> bool:
        return self._at_work() < AT_ONCE or clock.monotonic() - self._admitted_s > TRICKLE_S

    def _at_work(self) -> int:
        long_ago_s = clock.monotonic() - HANDSHAKE_S
        for caller in [caller for caller, since_s in self._inside.items() if since_s < long_ago_s]:
            del self._inside[caller]
        return len(self._inside) + sum(workload() for workload in workloads)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.close()
            self._timer = None


def is_upgrade(begin: bytes) -> bool:
    """Whether this is the whole head of a request for a WebSocket (RFC 6455 §4.1)."""
    return begin.startswith(b"GET ") and b"\r\n\r\n" in begin and b"upgrade: websocket" in begin.lower()


def is_gone(sock: socket.socket) -> bool:
    """Whether the client has closed its end, though what it sent before has not been read. Unknown is no."""
    if _TCP_INFO is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0] != _ESTABLISHED
    except OSError:
        return True
