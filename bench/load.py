"""The viewers: thousands of sockets on one selector, counted by what every frame carries instead of being parsed.

Each token of the upstream is `@t<18 digits> `, so the marks in what was received count tokens and the digits tell the
delay; each frame of text has one `"run.delta"`. Commands are sent by tests/support/ws_client.py before.
"""

from __future__ import annotations

import contextlib
import json
import re
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

from bench.script import STAMP_MARK
from tests.support.ws_frames import PONG, TEXT, FrameReader, encode

MARK = STAMP_MARK.encode()
FRAME = b'"run.delta"'
_STAMP = re.compile(rb"@t(\d{18}) ")
PONG_EVERY_S = 8.0
READ_BYTES = 262_144
CLIENTS_PER_ADDRESS = 2_000


@dataclass(slots=True)
class Viewer:
    """One socket. `early` is what came before its first token; `captured` keeps all bytes of a sampled one."""

    sock: socket.socket
    begun: bool = False
    early: bytes = b""
    captured: bytearray | None = None


@dataclass(slots=True)
class Counts:
    """What all viewers got in one window; delays in ns, of the sampled tokens."""

    seconds: float = 0.0
    tokens: int = 0
    frames: int = 0
    delays_ns: list[int] = field(default_factory=list)


class Swarm:
    """All viewers of one measurement."""

    def __init__(self) -> None:
        self.viewers: list[Viewer] = []
        self._selector = selectors.DefaultSelector()
        self._pong_at = time.monotonic() + PONG_EVERY_S
        self.lost = 0

    def add(self, sock: socket.socket, *, capture: bool = False) -> Viewer:
        """Takes over a connected socket."""
        sock.setblocking(False)
        viewer = Viewer(sock, captured=bytearray() if capture else None)
        self.viewers.append(viewer)
        self._selector.register(sock, selectors.EVENT_READ, viewer)
        return viewer

    def run(self, seconds: float, *, delays: bool = False) -> Counts:
        """Reads for so long and returns what came."""
        counts = Counts()
        begun = time.monotonic()
        deadline = begun + seconds
        while (now := time.monotonic()) < deadline:
            for key, _ in self._selector.select(min(0.2, deadline - now)):
                self._read(key.data, counts, delays)
            if now > self._pong_at:
                self._pong(now)
        counts.seconds = time.monotonic() - begun
        return counts

    def run_until_begun(self, timeout_s: float) -> None:
        """Reads until every viewer has got its first token; RuntimeError when some do not in time."""
        deadline = time.monotonic() + timeout_s
        while not all(viewer.begun for viewer in self.viewers):
            if time.monotonic() > deadline:
                without = [viewer.early for viewer in self.viewers if not viewer.begun]
                raise RuntimeError(f"{len(without)} viewers got no token; one got {without[0][-300:]!r}")
            self.run(0.25)

    def _read(self, viewer: Viewer, counts: Counts, delays: bool) -> None:
        try:
            data = viewer.sock.recv(READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(viewer.sock)
            self.lost += 1
            return
        tokens = data.count(MARK)
        counts.tokens += tokens
        if not viewer.begun:
            viewer.begun = tokens > 0
            viewer.early = data
        counts.frames += data.count(FRAME)
        if viewer.captured is not None:
            viewer.captured += data
        if delays:
            now = time.monotonic_ns()
            counts.delays_ns += [now - int(stamp) for stamp in _STAMP.findall(data)]

    def _pong(self, now: float) -> None:
        # Any traffic keeps a connection alive; an unasked pong is the cheapest (RFC 6455 §5.5.3).
        self._pong_at = now + PONG_EVERY_S
        frame = encode(PONG, b"")
        for viewer in self.viewers:
            with contextlib.suppress(OSError):
                viewer.sock.send(frame)

    def close(self) -> None:
        for viewer in self.viewers:
            viewer.sock.close()
        self._selector.close()


def check_captured(captured: bytes) -> int:
    """Reads sampled bytes as frames: offsets join, stamps rise. Returns the tokens; ValueError where they do not."""
    at, last, tokens = None, 0, 0
    for opcode, payload in FrameReader().feed(captured):
        event = json.loads(payload) if opcode == TEXT else {}
        if event.get("type") != "run.delta":
            continue
        if at is not None and event["at"] != at:
            raise ValueError(f"a delta at {event['at']} after one that ended at {at}")
        at = event["end"]
        for stamp in _STAMP.findall(event["text"].encode()):
            if int(stamp) <= last:
                raise ValueError("a token came twice or out of order")
            last, tokens = int(stamp), tokens + 1
    return tokens


def source_address(index: int) -> str:
    """A loopback address for the n-th client: one has only some 28,000 ports (Linux answers on all of 127/8)."""
    return f"127.0.0.{2 + index // CLIENTS_PER_ADDRESS}" if sys.platform == "linux" else ""
