"""Requests as a tester makes them: byte by byte, or with headers of their own; the answer as it came."""

import http.client
import socket
from dataclasses import dataclass

from tests.support.server import Server

TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers (names lower-cased; of repeated ones the last) and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cookies(self) -> dict[str, str]:
        """`name=value` of the cookies that are set, by name."""
        lines = [line.partition(";")[0] for line in self.headers.get("set-cookie", "").split("\n") if line]
        return {line.partition("=")[0]: line for line in lines}


def ask(server: Server, path: str, method: str = "GET", body: bytes | None = None, /, **headers: str) -> Reply:
    """One request; `_` in a header's name stands for `-`."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        named["set-cookie"] = "\n".join(answer.headers.get_all("Set-Cookie", []))
        stream = named.get("content-type", "").startswith("text/event-stream")
        return Reply(answer.status, named, b"" if stream else answer.read())
    finally:
        connection.close()


def send(server: Server, request: bytes) -> Reply:
    """Bytes that need be no HTTP; the answer up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_S) as sock:
        sock.sendall(request)
        received = b""
        while data := sock.recv(65_536):
            received += data
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.split(": ", 1) for line in lines)
    return Reply(int(first.split(" ")[1]), {name.lower(): value for name, value in fields}, body)
