"""A TCP proxy on loopback that can be slow, swallow everything, or forget connections that are idle, as networks do."""

from __future__ import annotations

from types import TracebackType

import gevent
from gevent import socket
from gevent.server import StreamServer

CHUNK = 65_536


class Proxy:
    """Stands in front of a port. `delay_s` counts each way; `swallows`: connections stay open and nothing arrives."""

    def __init__(self, port: int) -> None:
        self.delay_s = 0.0
        self.swallows = False
        self.idle_s: float | None = None
        """A connection that carried nothing for so long carries nothing ever again, and nobody is told."""
        self._target = ("127.0.0.1", port)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.port = int(self._server.address[1])

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._server.stop(timeout=1)
        for pair in self._pairs:
            for end in pair:
                end.close()

    def url(self, of: str) -> str:
        """The same address through here."""
        return of.replace(f":{self._target[1]}", f":{self.port}")

    def _serve(self, near: socket.socket, _address: object) -> None:
        far = socket.create_connection(self._target)
        self._pairs.append((near, far))
        idle = _Idle()
        gevent.joinall([gevent.spawn(self._pump, *way, idle) for way in ((near, far), (far, near))])
        for end in (near, far):
            end.close()

    def _pump(self, source: socket.socket, sink: socket.socket, idle: _Idle) -> None:
        try:
            while data := source.recv(CHUNK):
                if self._carries(idle):
                    gevent.spawn_later(self.delay_s, _send, sink, data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _carries(self, idle: _Idle) -> bool:
        loop = gevent.get_hub().loop
        loop.update_now()
        if self.idle_s is not None and loop.now() - idle.since_s > self.idle_s:
            idle.forgotten = True
        idle.since_s = loop.now()
        return not (self.swallows or idle.forgotten)


class _Idle:
    """When a connection last carried something, and whether that was too long ago once."""

    def __init__(self) -> None:
        self.since_s: float = gevent.get_hub().loop.now()
        self.forgotten = False


def _send(sink: socket.socket, data: bytes) -> None:
    try:
        sink.sendall(data)
    except OSError:
        return
