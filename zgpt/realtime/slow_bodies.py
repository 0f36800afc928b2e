"""The bodies of requests, for gunicorn's reader: how long one may take to arrive, and how many may be waited for.

A client that sends a byte now and then is never silent for long, and would hold one of the greenlets that answer
requests for as long as it likes. The first head of a connection is waited for in the lobby; a later one has a deadline
of its own (`keepalive` in gunicorn.conf.py).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from zgpt.core import clock

BODY_S: Final = 60.0
"""The largest body is about 200 KB: half a minute on the slowest telephone."""


class _Body:
    """One that has not arrived."""

    __slots__ = ("due_s", "given_up", "sock")

    def __init__(self, sock: Any, due_s: float) -> None:
        self.sock, self.due_s, self.given_up = sock, due_s, False

    def give_up(self) -> None:
        """Wake whoever waits for more of it; nothing more is read from this connection."""
        self.given_up = True
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RD)

    def left_s(self) -> float:
        """How long it may still take; TimeoutError when that is over."""
        left_s = self.due_s - clock.monotonic()
        if self.given_up or left_s <= 0:
            raise TimeoutError("the body of the request takes too long")
        return left_s


class Bodies:
    """Those of one process that are waited for: at most `most`, the one that is due first makes room for another."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waited_for: set[_Body] = set()

    def __len__(self) -> int:
        return len(self._waited_for)

    @contextmanager
    def bounded(self, reader: Any, sock: Any, pause_s: float, body_s: float = BODY_S) -> Iterator[None]:
        """While a request is answered, read its body until `body_s` from now; TimeoutError then, or after a pause."""
        read, body = reader.chunk, _Body(sock, clock.monotonic() + body_s)

        def chunk(size_hint: int | None = None) -> bytes:
            with self._waiting(body):
                sock.settimeout(min(pause_s, body.left_s()))
                try:
                    piece: bytes = read(size_hint)
                except OSError:
                    # gevent tells who waits on a socket that was shut down under them.
                    body.left_s()
                    raise
                finally:
                    sock.settimeout(pause_s)
            return piece

        reader.chunk = chunk
        try:
            yield
        finally:
            # The next request of this connection begins with a head, for which the worker has its own clock.
            del reader.chunk

    @contextmanager
    def _waiting(self, body: _Body) -> Iterator[None]:
        self._waited_for.add(body)
        if len(self._waited_for) > self._most:
            self._make_room()
        try:
            yield
        finally:
            self._waited_for.discard(body)

    def _make_room(self) -> None:
        oldest = min(self._waited_for, key=lambda body: body.due_s)
        self._waited_for.discard(oldest)
        oldest.give_up()
