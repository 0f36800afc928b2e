"""An event stream on a bare socket, read as a browser's EventSource reads it. What the events mean is not here."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(slots=True)
class Follower:
    """`with Follower(url, token, run_id) as stream`; then `event()` until it returns None: the stream has ended."""

    url: str
    token: str
    run_id: str
    last_id: str = ""
    query: str = ""
    timeout_s: float = 10.0
    receive_buffer: int = 0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    comments: int = 0
    retry_ms: int = 0
    _socket: socket.socket | None = None
    _rest: bytes = b""

    def __enter__(self) -> Follower:
        return self if self._socket else self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def local_port(self) -> int:
        """This end of the connection."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    def open(self) -> Follower:
        address = urlsplit(self.url)
        self._socket = sock = socket.socket()
        try:
            if self.receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
            sock.settimeout(self.timeout_s)
            sock.connect((address.hostname, address.port))
            self._ask(sock)
        except BaseException:
            self.close()
            raise
        return self

    def _ask(self, sock: socket.socket) -> None:
        again = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        path = f"/api/v1/runs/{self.run_id}/events{self.query}"
        sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self.token}\r\n{again}\r\n".encode("latin-1")
        )
        head = self._until(b"\r\n\r\n")
        assert head is not None, "the server hung up without an answer"
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}

    def event(self) -> tuple[str, dict[str, Any]] | None:
        """The next event's type and data; None once the server has closed."""
        while (block := self._until(b"\n\n")) is not None:
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if not line.startswith(":"))
            self.comments += not fields
            self.retry_ms = int(fields.get("retry", self.retry_ms))
            if "data" in fields:
                self.last_id = fields["id"]
                return fields["event"], json.loads(fields["data"])
        return None

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """All that is left."""
        found = []
        while (one := self.event()) is not None:
            found.append(one)
        return found

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _until(self, mark: bytes) -> bytes | None:
        assert self._socket is not None
        while mark not in self._rest:
            data = self._socket.recv(65_536)
            if not data:
                return None
            self._rest += data
        block, _, self._rest = self._rest.partition(mark)
        return block
