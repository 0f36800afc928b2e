"""One event stream after its HTTP head: a socket of the engine that only writes. What it tells is a cursor's affair."""

from __future__ import annotations

import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NoReturn

from flask import Response

from zgpt.realtime import descriptor, sse, takeover
from zgpt.realtime.live import Cursor
from zgpt.realtime.outbox import GONE, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from gevent._types import _IoWatcher

    from zgpt.realtime.loop import Engine

_READ: Final = 1
_READ_BYTES: Final = 4_096


class EventStream(Outbox):
    """`blocked` until it starts, for which it needs its `cursor`.

    It ends with its run, when its access token expires, or when its login is revoked.
    """

    __slots__ = ("_closed", "_ended", "_expires", "_reader", "cursor", "network")

    def __init__(self, engine: Engine, network: str, lives_s: float, closed: Callable[[], None]) -> None:
        """`lives_s`: seconds until the token expires; `closed` is called once, at the end."""
        super().__init__(engine)
        self.blocked = True
        self.network = network
        self.cursor: Cursor
        self._ended = False
        self._expires = engine.ticker.now + engine.ticker.ticks(lives_s)
        self._closed = closed
        self._reader: _IoWatcher | None = None

    def start(self, fd: int, head: bytes) -> None:
        """Serve the non-blocking descriptor `fd`, ours from now on."""
        self._fd = fd
        self.closed = self.blocked = False
        self._engine.add(self, self._next_beat())
        self._reader = self._engine.loop.io(fd, _READ)
        self._reader.start(self._on_readable)
        self._send(head + sse.OPENING)
        if self._ended:
            self._let_go()
        else:
            self._advance()

    def offer(self, payload: bytes) -> bool:
        """What else the person's connections are told is not for this stream."""
        return True

    def close(self, code: int = 0, reason: str = "") -> None:
        """Let go. The client comes back by itself, with the position that it holds."""
        self._ended = True
        self._let_go()

    def finish(self) -> None:
        """Nothing follows: end once what waits is written."""
        self._ended = True
        if not self.blocked:
            self._let_go()

    def expire(self) -> None:
        """It took nothing for too long."""
        self._let_go(abort=True)

    def beat(self, now: int) -> int:
        if self._fd == GONE:
            return 0
        if now >= self._expires:
            self._let_go()
            return 0
        self.send_frame(sse.HEARTBEAT)
        return self._next_beat()

    def _next_beat(self) -> int:
        now = self._engine.ticker.now
        return min(now + self._engine.stream_heartbeat, max(self._expires, now + 1))

    def _advance(self) -> None:
        self.cursor.run.advance(self.cursor)

    def _flushed(self) -> None:
        self._engine.ticker.clear_deadline(self)
        if self._ended:
            self._let_go()
        else:
            self.cursor.run.catch_up(self.cursor)

    def _lost(self) -> None:
        self._let_go()

    _overflown = _lost

    def _on_readable(self) -> None:
        try:
            if os.read(self._fd, _READ_BYTES):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._let_go()

    def _let_go(self, *, abort: bool = False) -> None:
        if self._fd == GONE:
            return
        fd, self._fd = self._fd, GONE
        self.closed = True
        descriptor.close_watchers(self._reader, self._writer)
        self._reader = self._writer = None
        self._queue, self._out = None, b""
        self._engine.discard(self)
        (descriptor.abort if abort else descriptor.close)(fd)
        self._closed()


class StreamResponse(Response):
    """The head of an event stream: called as the WSGI response, it moves the socket to the stream."""

    def __init__(self, stream: EventStream) -> None:
        super().__init__(content_type=f"{sse.MEDIA_TYPE}; charset=utf-8")
        # A buffering proxy would keep the answer until its end; a cache must not keep it at all.
        self.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Connection": "close"})
        self._stream = stream

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> NoReturn:
        """Start the stream. Never returns: the exception tells the WSGI server that there is no response."""
        taken = takeover.take_from(environ)
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers if name != "Content-Length")
        status = HTTPStatus(self.status_code)
        self._stream.start(taken.fd, f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode("latin-1"))
        raise taken.done
