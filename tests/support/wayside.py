"""A proxy on the way to a server, as companies and hotels have them: it passes requests, and breaks what it is told to.

It works on whole connections, told by their first request: a browser opens a new one for each WebSocket.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Final

UPGRADE: Final = b"upgrade: websocket"
STREAM: Final = b"Content-Type: text/event-stream"
REFUSALS: Final = {
    "403": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "502": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "hang up": b"",
}
CHUNK: Final = 65_536
HEAD_TIMEOUT_S: Final = 10.0


class Wayside:
    """`with Wayside(port) as way`: at `way.url` is the server at `port`. All settings can change while it runs.

    `sockets`: "pass", or how WebSockets are refused ("403", "502", "hang up"). `buffers`: event streams are handed on
    when they have ended, whole.
    """

    def __init__(self, port: int, sockets: str = "pass", *, buffers: bool = False) -> None:
        self.sockets, self.buffers = sockets, buffers
        self.refused = self.upgraded = self.streams = 0
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: dict[socket.socket, socket.socket] = {}
        self._streaming: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Wayside:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        with self._lock:
            pairs = list(self._open.items())
        for client, server in pairs:
            _end(client, server)

    def cut_streams(self) -> int:
        """Cut every event stream that is open; how many."""
        with self._lock:
            cut = [(client, self._open[client]) for client in self._streaming if client in self._open]
            self._streaming.clear()
        for client, server in cut:
            _end(client, server)
        return len(cut)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.settimeout(HEAD_TIMEOUT_S)
            head = _head_of(client)
            client.settimeout(None)
            if UPGRADE in head.lower():
                if self.sockets != "pass":
                    self.refused += 1
                    client.sendall(REFUSALS[self.sockets])
                    return
                self.upgraded += 1
            if head:
                self._tunnel(client, head)

    def _tunnel(self, client: socket.socket, head: bytes) -> None:
        with socket.create_connection(self._target) as server:
            with self._lock:
                self._open[client] = server
            back = threading.Thread(target=self._back, args=(server, client), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                server.sendall(head)
                while data := client.recv(CHUNK):
                    server.sendall(data)
            _end(server)
            back.join()
            with self._lock:
                self._open.pop(client, None)
                self._streaming.discard(client)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        kept = b""
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK):
                if STREAM in data:
                    self.streams += 1
                    with self._lock:
                        self._streaming.add(client)
                if self.buffers and client in self._streaming:
                    kept += data
                else:
                    client.sendall(data)
            client.sendall(kept)
        _end(client)


def _head_of(client: socket.socket) -> bytes:
    """What comes up to the end of the first head; nothing when there is none."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(CHUNK)
        if not data:
            return b""
        head += data
    return head


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
