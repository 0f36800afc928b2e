"""The reading half of a connection: bytes become events, in fair turns, unless its handler has had enough for now."""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import TYPE_CHECKING, Final

from zgpt.realtime.descriptor import close_watchers
from zgpt.realtime.outbox import GONE, Outbox
from zgpt.realtime.parser import Event, FrameError, FrameParser

if TYPE_CHECKING:
    from gevent._types import _IoWatcher, _TimerWatcher

    from zgpt.realtime.loop import Engine

READ_BYTES: Final = 16 * 1024
"""The most that is read of one connection before the others have their turn."""
EVENTS_PER_TURN: Final = 64
"""The most messages of one connection that are handled before the others have their turn."""

_READ: Final = 1


class Inbox(Outbox):
    """What one socket receives. `seen` is the tick of the last traffic; a parser exists while a frame is unfinished."""

    __slots__ = ("_failed", "_parser", "_paused", "_reader", "_turn", "bytes_in", "seen")

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.bytes_in = 0
        self.seen = engine.ticker.now
        self._reader: _IoWatcher | None = None
        self._turn: _TimerWatcher | None = None
        self._parser: FrameParser | None = None
        self._paused = False
        self._failed = False

    @abstractmethod
    def _take(self, event: Event) -> None:
        """A whole message or a control frame has arrived."""

    @abstractmethod
    def _fail(self, fault: FrameError) -> None:
        """The stream cannot be read any further; what still comes is thrown away."""

    def pause_reading(self) -> None:
        """Deliver no more messages until `resume_reading`; the peer is held back by TCP. At most one read is kept."""
        if self.closed:
            return
        self._paused = True
        close_watchers(self._turn)
        self._turn = None
        if self._reader is not None:
            self._reader.stop()

    def resume_reading(self) -> None:
        """Go on with what was kept, then with new bytes; from the event loop, not from inside this call."""
        if self._paused:
            self._paused = False
            self._wait_turn()

    def _unread(self) -> tuple[bytes, bytes, int]:
        """See FrameParser.unfinished."""
        return self._parser.unfinished() if self._parser is not None else (b"", b"", 0)

    def _read_on(self) -> None:
        """Listen, after what was read and not delivered."""
        self._reader = self._engine.loop.io(self._fd, _READ)
        if self._parser is None:
            self._listen()
        else:
            self._wait_turn()

    def _begin_reading(self, early: bytes) -> None:
        """Take `early`, which was already read from the descriptor, then listen."""
        self._reader = self._engine.loop.io(self._fd, _READ)
        self._listen()
        if early:
            self._received(early)

    def _listen(self) -> None:
        if self._reader is not None and self._turn is None and not self._paused:
            self._reader.start(self._on_readable)

    def _on_readable(self) -> None:
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
        else:
            self._lost()

    def _received(self, data: bytes) -> None:
        self.bytes_in += len(data)
        self.seen = self._engine.ticker.now
        if self._failed:
            return
        if self._parser is None:
            self._parser = FrameParser(self._engine.limits.message_bytes)
        self._parser.feed(data)
        self._deliver(self._parser)

    def _deliver(self, parser: FrameParser) -> None:
        """Hand over what has arrived, but only so much that other connections get their turn."""
        try:
            for _ in range(EVENTS_PER_TURN):
                if self._paused or self._turn is not None or self._fd == GONE:
                    return
                event = parser.next_event()
                if event is None:
                    self._parser = None if parser.idle else parser
                    return
                self._take(event)
        except FrameError as fault:
            self._fail(fault)
            return
        self._wait_turn()

    def _wait_turn(self) -> None:
        if self._reader is None or self._turn is not None:
            return
        self._reader.stop()
        # A timer, not a callback: gevent runs callbacks that were added meanwhile before it looks at other sockets.
        self._turn = self._engine.loop.timer(0)
        self._turn.start(self._next_turn)

    def _next_turn(self) -> None:
        close_watchers(self._turn)
        self._turn = None
        if self._parser is not None:
            self._deliver(self._parser)
        self._listen()
