"""A connection on a real TCP socket with its peer in the same process, and a handler that notes what it is told.

Time stands still for the engine unless a test calls `tick`, so nothing here waits for a heartbeat.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event

from tests.support import ws_frames
from zgpt.realtime import descriptor
from zgpt.realtime.connection import Connection
from zgpt.realtime.loop import Engine, Limits

HEAD = b"HEAD"
TIMEOUT_S = 5.0
NEVER_S = 1e6


def still_engine(**limits: float) -> Engine:
    """An engine of which one tick is one second and happens when the test says so."""
    engine = Engine(Limits(**limits), tick_s=1.0)  # type: ignore[arg-type]
    engine.ticker._tick_s = NEVER_S
    return engine


class Recorder:
    """A handler that notes every call; `act` may be set to what it does besides."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.act: dict[str, Callable[..., None]] = {}
        self._told = Event()

    def _note(self, name: str, conn: Connection, *args: object) -> None:
        self.calls.append((name, *args))
        self._told.set()
        if name in self.act:
            self.act[name](conn, *args)

    def on_open(self, conn: Connection) -> None:
        self._note("open", conn)

    def on_text(self, conn: Connection, data: bytes) -> None:
        self._note("text", conn, data)

    def on_binary(self, conn: Connection, data: bytes) -> None:
        self._note("binary", conn, data)

    def on_drain(self, conn: Connection) -> None:
        self._note("drain", conn)

    def on_close(self, conn: Connection, code: int) -> None:
        self._note("close", conn, code)

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of all calls of one kind."""
        return [args for kind, *rest in self.calls if kind == name for args in [tuple(rest)]]

    def wait(self, name: str, count: int = 1) -> None:
        """Return when a kind of call has come so often; fails after 5 s."""
        with gevent.Timeout(TIMEOUT_S, AssertionError(f"no {count} x {name} in {self.calls}")):
            while len(self.of(name)) < count:
                self._told.clear()
                self._told.wait()


class Line:
    """A started connection (`conn`), its handler (`told`) and the other end of its socket (`peer`)."""

    def __init__(self, engine: Engine, *, told: Recorder | None = None, early: bytes = b"", rcvbuf: int = 0) -> None:
        self.engine = engine
        self.told = told or Recorder()
        ours, self.peer = tcp_pair(rcvbuf)
        self.conn = Connection(engine)
        self.conn.attach(self.told)
        descriptor.set_options(ours)
        self._reader = ws_frames.FrameReader()
        self._events: list[tuple[int, bytes]] = []
        self.conn.start(ours.detach(), HEAD, early)
        assert self.exactly(len(HEAD)) == HEAD

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self.peer.recv(size - len(data))
        return data

    def send(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        self.peer.sendall(ws_frames.encode(opcode, payload, fin=fin))

    def receive(self) -> tuple[int, bytes]:
        """The next message or control frame of the server; ConnectionError at its end."""
        while not self._events:
            data = self.peer.recv(65_536)
            if not data:
                raise ConnectionError("ended")
            self._events.extend(self._reader.feed(data))
        return self._events.pop(0)

    def receive_close(self) -> int:
        """The code of the close frame that comes next, other messages skipped."""
        while (event := self.receive())[0] != ws_frames.CLOSE:
            pass
        return int.from_bytes(event[1][:2], "big")

    def at_end(self) -> bool:
        """Whether the server has hung up, with nothing left to read."""
        try:
            return self.peer.recv(1) == b""
        except ConnectionResetError:
            return True

    def tick(self, times: int) -> None:
        for _ in range(times):
            self.engine.ticker.tick()

    def block(self) -> bytes:
        """Send frames that the peer does not read until the kernel takes no more; returns all that was sent."""
        sent = b""
        while not self.conn.blocked:
            frame = b"\x82\x7f" + (100_000).to_bytes(8, "big") + bytes(100_000)
            self.conn.send_frame(frame)
            sent += frame
        return sent

    def reset(self) -> None:
        """Hang up with a TCP reset."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()


def tcp_pair(rcvbuf: int = 0) -> tuple[socket.socket, socket.socket]:
    """The two ends of a TCP connection over loopback: the accepted one, and the one that connected."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        peer = socket.socket()
        if rcvbuf:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        peer.settimeout(TIMEOUT_S)
        peer.connect(listener.getsockname())
        return listener.accept()[0], peer
