"""The writing half of a connection: one frame after the other, whole or remembered. Nothing else writes to sockets."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from zgpt.realtime.descriptor import close_watchers
from zgpt.realtime.frames import encode_text

if TYPE_CHECKING:
    from gevent._types import _IoWatcher

    from zgpt.realtime.loop import Engine

CONTROL_QUEUE_FRAMES: Final = 256
CONTROL_QUEUE_BYTES: Final = 256 * 1024
"""What may wait for a slow reader besides its deltas: minutes of a busy session's events, and one message of any size.
More is cheaper to ask for again (close 4000, the client re-opens from its revision) than to keep for thousands."""
GONE: Final = -1
"""The descriptor of a connection that has none yet, or no more."""

_WRITE: Final = 2
_write = os.write


class Outbox(ABC):
    """What one socket has still to be sent. `closed` is True before it starts and once it ends: nothing can be sent."""

    __slots__ = (
        "_engine", "_fd", "_out", "_out_at", "_queue", "_queued_bytes", "_writer", "blocked", "bytes_out", "closed"
    )  # fmt: skip

    def __init__(self, engine: Engine) -> None:
        self.blocked = False
        self.closed = True
        self.bytes_out = 0
        self._engine = engine
        self._fd = GONE
        self._writer: _IoWatcher | None = None
        self._queue: list[bytes] | None = None
        self._queued_bytes = 0
        self._out = b""
        self._out_at = 0

    @abstractmethod
    def beat(self, now: int) -> int:
        """Ping if the peer was silent; the next tick to look again, 0 for never."""

    @abstractmethod
    def expire(self) -> None:
        """The deadline has passed."""

    @abstractmethod
    def _lost(self) -> None:
        """The transport is gone."""

    @abstractmethod
    def _overflown(self) -> None:
        """The queue was full; what was in it has been dropped."""

    @abstractmethod
    def _flushed(self) -> None:
        """Nothing waits any more."""

    def send_frame(self, frame: bytes) -> bool:
        """Write one encoded frame; True when the kernel took all of it.

        While `blocked` or `closed` the frame is not taken: do not call. Otherwise it is taken whole; on False the rest
        is kept here, `blocked` is True until `on_drain`, and no other frame comes in between.
        """
        if self.blocked or self.closed:
            return False
        return self._send(frame)

    def offer(self, payload: bytes) -> bool:
        """Send one text message, or queue it behind what is blocked; False when it is lost with the connection.

        A full queue closes with 4000.
        """
        return self.offer_frame(encode_text(payload))

    def offer_frame(self, frame: bytes) -> bool:
        """`offer` for a frame that is already encoded."""
        if self.closed:
            return False
        if self.blocked:
            return self._enqueue(frame)
        self._send(frame)
        return not self.closed

    def _unsent(self) -> bytes:
        """What the peer must get before anything else; it may begin in the middle of a frame."""
        return bytes(memoryview(self._out)[self._out_at :]) + b"".join(self._queue or ())

    def _send(self, frame: bytes) -> bool:
        try:
            sent = _write(self._fd, frame)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lost()
            return False
        self.bytes_out += sent
        if sent == len(frame):
            return True
        self._block(frame, sent)
        return False

    def _block(self, frame: bytes, sent: int) -> None:
        self.blocked = True
        self._out = frame
        self._out_at = sent
        self._wait_writable()

    def _wait_writable(self) -> None:
        self._engine.ticker.set_deadline(self, self._engine.send_stall)
        self._writer = self._engine.loop.io(self._fd, _WRITE)
        self._writer.start(self._on_writable)

    def _enqueue(self, frame: bytes) -> bool:
        if self._queue is None:
            self._queue = []
        if len(self._queue) >= CONTROL_QUEUE_FRAMES or self._queued_bytes >= CONTROL_QUEUE_BYTES:
            self._queue = None
            self._overflown()
            return False
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        return True

    def _on_writable(self) -> None:
        try:
            sent = _write(self._fd, memoryview(self._out)[self._out_at :])
        except BlockingIOError:
            return
        except OSError:
            self._lost()
            return
        self.bytes_out += sent
        self._out_at += sent
        if not self.closed:
            self._engine.ticker.set_deadline(self, self._engine.send_stall)
        if self._out_at == len(self._out):
            self._next_out()

    def _next_out(self) -> None:
        if self._queue:
            self._out = b"".join(self._queue)
            self._out_at = self._queued_bytes = 0
            self._queue = None
            return
        close_watchers(self._writer)
        self._writer = None
        self._out = b""
        self.blocked = False
        self._flushed()
