"""The growing text of one run in this process, and the cursors of those who look at it; no sockets, no clock.

A part is one shared buffer. A viewer is a cursor into it, so a slow one costs a few integers and loses nothing:
its next frame is simply longer. Frames are encoded once per range and the same bytes go to everybody at that cursor.
Viewers by WebSocket and by event stream are told the same JSON; each kind of cursor wraps it in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from zgpt.realtime import sse
from zgpt.realtime.frames import encode_text
from zgpt.realtime.protocol import RunCompleted, RunReset, encode_event

_encode_string = msgspec.json.encode
PIECE_BYTES = 2_048
"""A viewer that reads again after a stop gets the rest in pieces of this size: what a stopped one costs besides the
kernel's buffers is the one piece that did not fit."""
WHOLE_BYTES = 2**62
"""A viewer that comes back gets everything in one frame."""
PARTS = ("reasoning", "text")
"""In the order in which a model writes them."""


class RunHead(msgspec.Struct, frozen=True, array_like=True):
    """Which run, in which epoch, writes which message, and whose it is."""

    user_id: str
    session_id: str
    run_id: str
    message_id: str
    epoch: int


class FrameWriter(Protocol):
    """What a cursor needs of a connection (see connection.py)."""

    blocked: bool

    def send_frame(self, frame: bytes) -> bool: ...


class LivePart:
    """An append-only UTF-8 text and the last frame that was made of it."""

    __slots__ = ("_cached", "_cached_range", "_json", "_json_range", "_prefix", "data", "shown")

    def __init__(self, head: RunHead, name: str, kept: bytes) -> None:
        self.data = bytearray(kept)
        self.shown = 0
        self._prefix = _delta_prefix(head, name)
        self._cached_range = (-1, -1)
        self._cached = b""
        self._json_range = (-1, -1)
        self._json = b""

    def frame(self, at: int, end: int) -> bytes:
        """The WebSocket frame of one `run.delta` that carries bytes `at` to `end`."""
        if self._cached_range != (at, end):
            self._cached = encode_text(self._encode(at, end))
            self._cached_range = (at, end)
        return self._cached

    def payload(self, at: int, end: int) -> bytes:
        """The JSON that `frame` wraps."""
        if self._json_range != (at, end):
            self._json = self._encode(at, end)
            self._json_range = (at, end)
        return self._json

    def _encode(self, at: int, end: int) -> bytes:
        text = _encode_string(self.data[at:end].decode())
        return b'%s%d,"end":%d,"text":%s}' % (self._prefix, at, end, text)

    def boundary(self, offset: int) -> int:
        """The last place at or before `offset` where a character begins: a forged offset must not cut one in two."""
        offset = min(offset, len(self.data))
        while 0 < offset < len(self.data) and self.data[offset] & 0xC0 == 0x80:
            offset -= 1
        return offset


class Cursor:
    """How far one viewer is in one run, and how a WebSocket is told."""

    __slots__ = ("at", "epoch", "run", "writer")

    def __init__(self, writer: FrameWriter, run: LiveRun, epoch: int, at: dict[str, int]) -> None:
        self.writer = writer
        self.run = run
        self.epoch = epoch
        self.at = at

    def tell_reset(self, event: RunReset) -> None:
        self.writer.send_frame(encode_text(encode_event(event)))

    def tell_delta(self, part: LivePart, at: int, end: int) -> None:
        self.writer.send_frame(part.frame(at, end))

    def tell_end(self) -> None:
        self.writer.send_frame(self.run.end_frame)


class StreamWriter(FrameWriter, Protocol):
    """What the cursor of an event stream needs of it (see stream.py)."""

    def finish(self) -> None: ...


class StreamCursor(Cursor):
    """How far an event stream is in one run, and how it is told (see sse.py)."""

    __slots__ = ("stream",)

    def __init__(self, stream: StreamWriter, run: LiveRun, epoch: int, at: dict[str, int]) -> None:
        super().__init__(stream, run, epoch, at)
        self.stream = stream

    def tell_reset(self, event: RunReset) -> None:
        self._tell("run.reset", encode_event(event))

    def tell_delta(self, part: LivePart, at: int, end: int) -> None:
        self._tell("run.delta", part.payload(at, end))

    def tell_end(self) -> None:
        if self.run.end is not None:
            self._tell("run.completed", encode_event(self.run.end))
        self.stream.finish()

    def _tell(self, kind: str, payload: bytes) -> None:
        self.writer.send_frame(sse.encode(kind, sse.position(self.epoch, self.at), payload))


class LiveRun:
    """One run as this process knows it: its parts, its viewers' cursors, and its end once it has one."""

    __slots__ = ("cursors", "dirty", "end", "end_frame", "flushed_at_s", "head", "parts", "streams")

    def __init__(self, head: RunHead, kept: Mapping[str, bytes]) -> None:
        self.cursors: set[Cursor] = set()
        self.streams: set[Cursor] = set()
        self.dirty = False
        self.end: RunCompleted | None = None
        self.end_frame = b""
        self.flushed_at_s = 0.0
        self.restart(head, kept)

    def restart(self, head: RunHead, kept: Mapping[str, bytes]) -> None:
        """Begin an epoch: the parts hold the kept prefix and every cursor will be told to reset."""
        self.head = head
        self.parts = {name: LivePart(head, name, kept.get(name, b"")) for name in PARTS}
        for cursor in (*self.cursors, *self.streams):
            cursor.at = {}

    def append(self, epoch: int, part: str, at: int, data: bytes) -> bool:
        """Take what is new of the text at `at`; False when nothing is: of another epoch, held, or beyond a gap."""
        if epoch != self.head.epoch:
            return False
        buffer = self.parts[part].data
        held = len(buffer)
        if at > held or at + len(data) <= held:
            return False
        buffer += data if at == held else data[held - at :]
        return True

    def finish(self, end: RunCompleted) -> None:
        self.end = end
        self.end_frame = encode_text(encode_event(end))

    def add_cursor(self, writer: FrameWriter, holds: Mapping[str, tuple[int, int]]) -> Cursor:
        """A cursor that begins after what the viewer holds: `{part: (epoch, offset)}`.

        A hold of another epoch, or from beyond the end, is no prefix of ours: that viewer starts over.
        """
        cursor = Cursor(writer, self, *self._begin(holds))
        self.cursors.add(cursor)
        return cursor

    def add_stream(self, stream: StreamWriter, holds: Mapping[str, tuple[int, int]]) -> Cursor:
        """The same for an event stream."""
        cursor = StreamCursor(stream, self, *self._begin(holds))
        self.streams.add(cursor)
        return cursor

    @property
    def is_viewed(self) -> bool:
        """Whether somebody looks, or has not been told the end yet."""
        return bool(self.cursors or self.streams)

    def discard(self, cursor: Cursor) -> None:
        """This viewer looks no more."""
        self.cursors.discard(cursor)
        self.streams.discard(cursor)

    def drop(self) -> None:
        """The run is gone: nobody will be told anything any more."""
        gone = list(self.streams)
        self.cursors.clear()
        self.streams.clear()
        for cursor in gone:
            cursor.tell_end()

    def _begin(self, holds: Mapping[str, tuple[int, int]]) -> tuple[int, dict[str, int]]:
        if any(self._is_foreign(name, *hold) for name, hold in holds.items()):
            return -1, {}
        return self.head.epoch, {n: p.boundary(holds[n][1]) if n in holds else 0 for n, p in self.parts.items()}

    def flush(self) -> None:
        """Write what is new to every cursor that is in step; the others are caught up one by one."""
        for name, part in self.parts.items():
            if part.shown < len(part.data):
                self._flush_part(name, part)
        if self.end is not None:
            self.advance_all()

    def _flush_part(self, name: str, part: LivePart) -> None:
        at, end = part.shown, len(part.data)
        part.shown = end
        frame = part.frame(at, end)
        late = []
        for cursor in self.cursors:
            if cursor.writer.blocked:
                continue
            if cursor.at.get(name) == at:
                cursor.at[name] = end
                cursor.writer.send_frame(frame)
            else:
                late.append(cursor)
        for cursor in late:
            self.advance(cursor)
        if self.streams:
            for cursor in tuple(self.streams):
                self.advance(cursor)

    def advance_all(self) -> None:
        """Bring every cursor as far as it goes: at the end, and when an epoch begins."""
        for part in self.parts.values():
            part.shown = len(part.data)
        for cursor in (*self.cursors, *self.streams):
            self.advance(cursor)

    def catch_up(self, cursor: Cursor) -> None:
        """`advance` for a connection that was blocked: in pieces, for a frame that is not taken whole is kept whole."""
        self.advance(cursor, PIECE_BYTES)

    def advance(self, cursor: Cursor, piece_bytes: int = WHOLE_BYTES) -> None:
        """Bring a cursor as far as its connection takes it: reset, then text, then the end; nothing after that."""
        if cursor.writer.blocked or (cursor not in self.cursors and cursor not in self.streams):
            return
        if cursor.epoch != self.head.epoch:
            cursor.epoch = self.head.epoch
            cursor.at = dict.fromkeys(self.parts, 0)
            cursor.tell_reset(_reset(self.head))
        for name, part in self.parts.items():
            self._tell(cursor, name, part, piece_bytes)
        if self.end is not None and not cursor.writer.blocked:
            self.discard(cursor)
            cursor.tell_end()

    def _tell(self, cursor: Cursor, name: str, part: LivePart, piece_bytes: int) -> None:
        end = len(part.data)
        while (at := cursor.at[name]) < end and not cursor.writer.blocked:
            cursor.at[name] = part.boundary(min(end, at + piece_bytes))
            cursor.tell_delta(part, at, cursor.at[name])

    def _is_foreign(self, name: str, epoch: int, offset: int) -> bool:
        return epoch != self.head.epoch or offset > len(self.parts[name].data)


def _delta_prefix(head: RunHead, part: str) -> bytes:
    return (
        f'{{"type":"run.delta","session_id":"{head.session_id}","run_id":"{head.run_id}",'
        f'"message_id":"{head.message_id}","part":"{part}","epoch":{head.epoch},"at":'
    ).encode()


def _reset(head: RunHead) -> RunReset:
    return RunReset(head.session_id, head.run_id, head.message_id, head.epoch)
