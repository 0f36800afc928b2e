"""One WebSocket after its handshake: how it opens, beats and closes. Reading is in inbox.py, writing in outbox.py.

Everything here runs in callbacks of the event loop and never blocks; no greenlet belongs to a connection. What the
messages mean is the Handler's business; what connections share is in loop.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog

from zgpt.core import ids, metrics
from zgpt.realtime import close_codes, descriptor
from zgpt.realtime.descriptor import close_watchers
from zgpt.realtime.frames import BINARY, CLOSE, PING, TEXT, encode_close, encode_ping, encode_pong
from zgpt.realtime.handler import Handler
from zgpt.realtime.handover_record import Parcel
from zgpt.realtime.inbox import Inbox
from zgpt.realtime.outbox import GONE
from zgpt.realtime.parser import Event, FrameError, FrameParser, parse_close

if TYPE_CHECKING:
    from zgpt.realtime.loop import Engine

_PING: Final = encode_ping()
log = structlog.get_logger(__name__)


class Connection(Inbox):
    """One open WebSocket, with `send_frame`, `offer`, `blocked` of the Outbox and `pause_reading` of the Inbox.

    `state` belongs to the handler; `close_code` is 0 until it closes. `network` is where it comes from, for the limit
    on that; "" is not counted.
    """

    __slots__ = (
        "_close_seen", "_handler", "_opened", "_pinged", "close_code", "id", "messages_in", "network", "state"
    )  # fmt: skip

    def __init__(self, engine: Engine, network: str = "") -> None:
        super().__init__(engine)
        self.id = ids.new_id()
        self.network = network
        self.state: object = None
        self.close_code = 0
        self.messages_in = 0
        self._opened = engine.ticker.now
        self._handler: Handler | None = None
        self._pinged = 0
        self._close_seen = False

    @property
    def handler(self) -> Handler:
        """Who gets the messages; raises RuntimeError while nobody was attached."""
        if self._handler is None:
            raise RuntimeError("the WebSocket route must call connection.attach(handler)")
        return self._handler

    def attach(self, handler: Handler) -> None:
        """Say who gets the messages, before the connection starts."""
        self._handler = handler

    def start(self, fd: int, head: bytes, early: bytes = b"") -> None:
        """Serve the non-blocking descriptor `fd`, ours from now on: write `head` (the 101), then open.

        `early` is what was read from it behind the handshake.
        """
        self._fd = fd
        self.closed = False
        self._engine.add(self)
        # Put off before the first write: whoever turns out to be gone then is told closed behind its opening.
        self._engine.loop.run_callback(self._open, early)
        self._send(head)

    def _open(self, early: bytes) -> None:
        self._call(self.handler.on_open)
        if self._fd != GONE:
            self._begin_reading(early)

    # What arrives

    def _take(self, event: Event) -> None:
        opcode, payload = event
        if opcode == CLOSE:
            self._peer_closes(payload)
        elif self.closed:
            return
        elif opcode == TEXT:
            self.messages_in += 1
            self._call(self.handler.on_text, payload)
        elif opcode == BINARY:
            self.messages_in += 1
            self._call(self.handler.on_binary, payload)
        elif opcode == PING:
            self.offer_frame(encode_pong(payload))

    # Moving to another process, where the same socket is open too

    @classmethod
    def adopt(cls, engine: Engine, fd: int, parcel: Parcel) -> Connection:
        """A connection that was frozen in another process: at rest here, and counted, until `go_on` or `let_go`."""
        adopted = cls(engine, parcel.network)
        adopted.id, adopted.messages_in = parcel.id, parcel.messages_in
        adopted.bytes_in, adopted.bytes_out = parcel.bytes_in, parcel.bytes_out
        adopted._opened = engine.ticker.now - engine.ticker.ticks(parcel.open_s)
        adopted._fd, adopted._out, adopted.blocked = fd, parcel.unsent, bool(parcel.unsent)
        if parcel.unread or parcel.fragments_of:
            adopted._parser = FrameParser(engine.limits.message_bytes)
            adopted._parser.go_on(parcel.unread, parcel.fragments, parcel.fragments_of)
        engine.add(adopted)
        return adopted

    @property
    def fd(self) -> int:
        """The descriptor of its socket; nobody else may read or write it."""
        return self._fd

    @property
    def is_movable(self) -> bool:
        """Whether it is open and in a state that can be told: it has begun to read, and nothing broke."""
        return not self.closed and self._reader is not None and not self._failed

    @property
    def is_at_rest(self) -> bool:
        """Whether it is frozen or adopted, until somebody says how it goes on."""
        return self.closed and not self.close_code and self._fd != GONE

    def freeze(self, state: bytes) -> Parcel:
        """Neither read nor write any more, and say all that another process needs; then `go_on` or `let_go`."""
        open_s = self._engine.ticker.seconds_since(self._opened)
        counts = self.messages_in, self.bytes_in, self.bytes_out
        self.closed = True
        close_watchers(self._reader, self._turn, self._writer)
        self._reader = self._turn = self._writer = None
        self._engine.ticker.clear_deadline(self)
        return Parcel(self.id, self.network, open_s, *counts, self._unsent(), *self._unread(), state)

    def go_on(self) -> None:
        """Write again, first what was left unsent. Nothing is read before `read_on`."""
        self.closed = self._paused = False
        self.seen = self._engine.ticker.now
        if self.blocked:
            self._wait_writable()

    def read_on(self) -> None:
        """Read again, first what was left unparsed."""
        if self._fd != GONE and self._reader is None:
            self._read_on()

    def let_go(self) -> None:
        """It belongs to another process: close the descriptor here without a word. The handler is told nothing."""
        self.closed = True
        self._finish()
        self._handler = None

    # Closing

    def close(self, code: int, reason: str = "") -> None:
        """Send what waits and a close frame, wait 2 s for the peer's, then let go. A second call does nothing."""
        if self._begin_close(code):
            self._send_last(encode_close(code, reason))

    def expire(self) -> None:
        """The deadline has passed: a reader that stopped is told, one that does not even take that is reset."""
        if self.closed:
            self._finish(abort=self.blocked)
        else:
            self.close(close_codes.STALLED, "You stopped reading. Come back when you can.")

    def beat(self, now: int) -> int:
        """Ping after a silence, close when that was not answered; the next tick to look again, 0 for never."""
        engine = self._engine
        if self.closed:
            return now + engine.heartbeat if self.is_at_rest else 0
        if self._paused:
            self.seen = now
        if now - self.seen < engine.heartbeat:
            return self.seen + engine.heartbeat
        if self._pinged > self.seen:
            self.close(close_codes.HEARTBEAT_MISSED, "No sign of life. Come back.")
            return 0
        self._pinged = now
        self.offer_frame(_PING)
        return now + engine.slack

    def _begin_close(self, code: int) -> bool:
        if self.closed:
            return False
        self.closed = True
        self.close_code = code
        self.resume_reading()
        self._engine.loop.run_callback(self._tell_closed)
        return True

    def _send_last(self, frame: bytes) -> None:
        if self.blocked:
            self._queue = [*(self._queue or ()), frame]
        else:
            self._send(frame)
        if self._fd != GONE:
            self._engine.ticker.set_deadline(self, self._engine.close_wait)
            self._settle()

    def _settle(self) -> None:
        """Closed by either side: go as far as what was sent and seen allows."""
        if self.blocked:
            return
        if self._close_seen:
            self._finish()
        elif self._failed:
            descriptor.half_close(self._fd)

    def _peer_closes(self, payload: bytes) -> None:
        code, _ = parse_close(payload)
        self._close_seen = True
        if self._begin_close(code):
            self._send_last(encode_close(None if code == close_codes.NO_STATUS else code))
        else:
            self._settle()

    def _fail(self, fault: FrameError) -> None:
        """The stream cannot be read any further: say why, then throw away what comes until the peer hangs up.

        Closing at once would make the kernel send a reset, which may overtake the close frame.
        """
        metrics.BAD_FRAMES.labels(fault.name).inc()
        self._failed = True
        self._parser = None
        if self.closed:
            self._finish()
        else:
            self.close(fault.code, fault.reason)

    def _overflown(self) -> None:
        self.close(close_codes.RESYNC, "You read too slowly. Come back and open the session again.")

    def _flushed(self) -> None:
        if self.closed:
            self._settle()
            return
        self._engine.ticker.clear_deadline(self)
        self._call(self.handler.on_drain)

    def _lost(self) -> None:
        self._begin_close(close_codes.ABNORMAL)
        self._finish()

    def _finish(self, *, abort: bool = False) -> None:
        if self._fd == GONE:
            return
        fd, self._fd = self._fd, GONE
        close_watchers(self._reader, self._turn, self._writer)
        self._reader = self._turn = self._writer = None
        self._parser = self._queue = None
        self._out = b""
        self._engine.discard(self)
        (descriptor.abort if abort else descriptor.close)(fd)

    def _tell_closed(self) -> None:
        metrics.CLOSES.labels(close_codes.label(self.close_code)).inc()
        log.info(
            "connection_closed", connection_id=self.id, code=self.close_code, messages_in=self.messages_in,
            bytes_in=self.bytes_in, bytes_out=self.bytes_out, open_s=self._engine.ticker.seconds_since(self._opened),
        )  # fmt: skip
        try:
            self.handler.on_close(self, self.close_code)
        except Exception:
            # The handler is not ours; what it raises must not keep this connection from being forgotten.
            log.exception("handler_failed", connection_id=self.id)
        self._handler = None

    def _call(self, method: Callable[..., None], *args: object) -> None:
        try:
            method(self, *args)
        except Exception:
            # This is called by the loop itself: what it raises ends one connection, and no other.
            log.exception("handler_failed", connection_id=self.id)
            self.close(close_codes.INTERNAL, "Something broke on our side. Come back.")
