"""A small, correct WebSocket client for tests, on one blocking socket; cooperative when gevent has patched sockets.

Not here: what the events mean (transcript.py) and how a dropped viewer comes back (viewer.py).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.support import ws_frames
from tests.support.transcript import Transcript
from tests.support.ws_frames import BrokenFrame, FrameReader

__all__ = ["BrokenFrame", "Client", "Closed", "CommandFailed", "HandshakeRefused", "Transcript"]

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
HEAD_MAX_BYTES = 65536
Frame = dict[str, Any]


class Closed(Exception):
    """The connection ended. `code` is the close frame's (1005 none given, 1006 no close frame came)."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"closed with {code} {reason}".strip())
        self.code, self.reason = code, reason


class CommandFailed(Exception):
    """The server answered a command with an error; `frame` is that answer, `code` its code."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(f"{frame.get('code')}: {frame.get('message')}")
        self.frame, self.code = frame, frame.get("code")


class HandshakeRefused(Exception):
    """The server answered the upgrade with something else than 101."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"HTTP {status} {body[:200]!r}")
        self.status, self.body = status, body


class Client:
    """`Client(url).connect()`; then hello, command, events. All time-outs are seconds and raise TimeoutError."""

    def __init__(
        self,
        url: str,
        *,
        path: str = "/ws",
        origin: str | None = None,
        headers: dict[str, str] | None = None,
        source: str = "",
        receive_buffer: int = 0,
    ) -> None:
        """`url` is http://host:port or host:port; `source` a local address; `receive_buffer` SO_RCVBUF in bytes."""
        address = urlsplit(url if "//" in url else f"http://{url}")
        self.host, self.port = address.hostname or "127.0.0.1", address.port or 80
        self._path, self._origin, self._headers = path, origin, headers or {}
        self._source, self._receive_buffer = source, receive_buffer
        self._socket: socket.socket | None = None
        self._frames = FrameReader()
        self._inbox: deque[tuple[int, bytes]] = deque()
        self._events: deque[Frame] = deque()
        self._last_id = 0
        self.closed: Closed | None = None
        self.bytes_read = 0
        self.pings = 0

    def __enter__(self) -> Client:
        return self if self._socket else self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the socket

    def connect(self, timeout_s: float = 10.0) -> Client:
        """Opens the socket and does the opening handshake (RFC 6455 §4.1); raises HandshakeRefused."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if self._receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
            if self._source:
                sock.bind((self._source, 0))
            sock.settimeout(timeout_s)
            sock.connect((self.host, self.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            rest = self._handshake(sock)
        except BaseException:
            sock.close()
            raise
        self._socket = sock
        self._inbox.extend(self._frames.feed(rest))
        return self

    def _handshake(self, sock: socket.socket) -> bytes:
        key = base64.b64encode(os.urandom(16))
        sock.sendall(self._request(key.decode()))
        head, rest = _read_head(sock)
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            raise HandshakeRefused(status, rest)
        accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        if accept not in head:
            raise BrokenFrame("Sec-WebSocket-Accept does not match the key")
        return rest

    def _request(self, key: str) -> bytes:
        fields = {
            "Host": f"{self.host}:{self.port}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
        }
        if self._origin:
            fields["Origin"] = self._origin
        fields.update(self._headers)
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"GET {self._path} HTTP/1.1\r\n{lines}\r\n".encode()

    def fileno(self) -> int:
        return self._open().fileno()

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise self.closed or Closed(1006, "never connected")
        return self._socket

    def detach(self) -> socket.socket:
        """Gives the socket away, to a load client that reads by itself; frames that were read already are dropped."""
        sock, self._socket = self._open(), None
        self.closed = Closed(1005, "given away")
        return sock

    def reset(self) -> None:
        """Drops the connection as a lost network does: TCP RST, no close frame, unread bytes thrown away."""
        sock = self._open()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._gone(Closed(1006, "reset by the test"))

    def close(self, code: int = 1000) -> None:
        """Says goodbye and closes; never raises."""
        if self._socket is None:
            return
        try:
            self._socket.settimeout(1.0)
            self._socket.sendall(ws_frames.encode(ws_frames.CLOSE, code.to_bytes(2, "big")))
        except OSError:
            pass
        self._gone(Closed(code, "closed by the test"))

    def _gone(self, why: Closed) -> Closed:
        self.closed = self.closed or why
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        return self.closed

    # -- sending

    def send_bytes(self, raw: bytes) -> None:
        """Bytes as they are, for frames that no client should send."""
        try:
            self._open().sendall(raw)
        except (BrokenPipeError, ConnectionError) as error:
            raise self._gone(Closed(1006, str(error))) from error

    def send_frame(self, payload: bytes, opcode: int = ws_frames.TEXT, *, fin: bool = True) -> None:
        self.send_bytes(ws_frames.encode(opcode, payload, fin=fin))

    def send(self, frame: Frame) -> None:
        """One JSON text frame; nothing is awaited."""
        self.send_frame(json.dumps(frame, ensure_ascii=False).encode())

    def command(self, type: str, timeout_s: float = 10.0, **fields: Any) -> Frame:
        """Sends a command and returns its `result`; events that arrive meanwhile are kept for `events`."""
        self._last_id += 1
        name = str(self._last_id)
        self.send({"type": type, "id": name, **fields})
        deadline = time.monotonic() + timeout_s
        while True:
            frame = self._next(deadline)
            if frame.get("id") != name or frame["type"] not in ("ok", "error"):
                self._events.append(frame)
            elif frame["type"] == "error":
                raise CommandFailed(frame)
            else:
                result: Frame = frame.get("result") or {}
                return result

    def hello(self, token: str, **fields: Any) -> Frame:
        return self.command("hello", token=token, **fields)

    def say_hello(self, token: str) -> Client:
        """The same, for who needs the connection only with it: closed when it fails."""
        try:
            self.hello(token)
        except BaseException:
            self.close()
            raise
        return self

    # -- reading

    def event(self, timeout_s: float = 10.0) -> Frame:
        """The next frame that is not the answer of a `command`; raises TimeoutError or Closed."""
        if self._events:
            return self._events.popleft()
        return self._next(time.monotonic() + timeout_s)

    def take_events(self) -> list[Frame]:
        """The frames that arrived while a `command` waited for its answer, in order."""
        events = list(self._events)
        self._events.clear()
        return events

    def events(self, timeout_s: float = 10.0) -> Iterator[Frame]:
        """Frames until the connection closes; TimeoutError when all this takes longer than `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                yield self._events.popleft() if self._events else self._next(deadline)
            except Closed:
                return

    def wait_for(self, type: str, timeout_s: float = 10.0, **fields: Any) -> Frame:
        """The next frame of this type with these fields; those before it are dropped."""
        deadline = time.monotonic() + timeout_s
        while True:
            frame = self.event(max(0.0, deadline - time.monotonic()))
            if frame["type"] == type and all(frame.get(k) == v for k, v in fields.items()):
                return frame

    def wait_closed(self, timeout_s: float = 10.0) -> Closed:
        """Reads (and drops) until the server closes; returns how."""
        for _ in self.events(timeout_s):
            pass
        assert self.closed is not None
        return self.closed

    def _next(self, deadline: float) -> Frame:
        while True:
            opcode, payload = self._message(deadline)
            if opcode == ws_frames.TEXT:
                frame: Frame = json.loads(payload.decode("utf-8"))
                return frame
            self._control(opcode, payload)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == ws_frames.PING:
            self.pings += 1
            self.send_frame(payload, ws_frames.PONG)
        elif opcode == ws_frames.CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else 1005
            raise self._gone(Closed(code, payload[2:].decode("utf-8")))
        elif opcode == ws_frames.BINARY:
            raise BrokenFrame("a binary message from the server")

    def _message(self, deadline: float) -> tuple[int, bytes]:
        while not self._inbox:
            sock = self._open()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("no frame in time")
            sock.settimeout(remaining)
            try:
                data = sock.recv(65536)
            except ConnectionError as error:
                raise self._gone(Closed(1006, str(error))) from error
            if not data:
                raise self._gone(Closed(1006, "end of stream without a close frame"))
            self.bytes_read += len(data)
            self._inbox.extend(self._frames.feed(data))
        return self._inbox.popleft()


def _read_head(sock: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(4096)
        if not piece or len(data) > HEAD_MAX_BYTES:
            raise HandshakeRefused(0, data)
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest
