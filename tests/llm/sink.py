"""A sink that remembers everything, and a provider's server that says exactly the given bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer

from zgpt.llm.base import Part, Prompt, ProviderError, StreamEnd, Turn
from zgpt.llm.openai import HttpProvider

WAIT_S = 30.0
Talk = Callable[[socket.socket, bytes], None]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def delta(text: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"' + text.encode() + b'"},"finish_reason":null}]}\n\n'


def prompt(text: str = "hi", continue_text: str = "") -> Prompt:
    return Prompt((Turn("user", text),), 100, 0.0, continue_text)


class Sink:
    def __init__(self) -> None:
        self.deltas: list[tuple[Part, bytes]] = []
        self.ends: list[StreamEnd | ProviderError] = []
        self.ended = Event()
        self.began = Event()
        self.on_first: Callable[[], None] | None = None

    @property
    def text(self) -> str:
        return b"".join(data for part, data in self.deltas if part == "text").decode()

    @property
    def reasoning(self) -> str:
        return b"".join(data for part, data in self.deltas if part == "reasoning").decode()

    @property
    def end(self) -> StreamEnd:
        assert self.ended.wait(WAIT_S), "the answer did not end"
        (end,) = self.ends
        assert isinstance(end, StreamEnd), end
        return end

    @property
    def error(self) -> ProviderError:
        assert self.ended.wait(WAIT_S), "the answer did not end"
        (error,) = self.ends
        assert isinstance(error, ProviderError), error
        return error

    def on_delta(self, part: Part, data: bytes) -> None:
        self.deltas.append((part, data))
        self.began.set()
        if self.on_first is not None and len(self.deltas) == 1:
            self.on_first()

    def on_end(self, end: StreamEnd) -> None:
        self.ends.append(end)
        self.ended.set()

    def on_error(self, error: ProviderError) -> None:
        self.ends.append(error)
        self.ended.set()


def read_request(sock: socket.socket) -> bytes:
    """The whole request: head and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(talk: Talk) -> Iterator[str]:
    """A server that reads one request per connection and then does `talk(socket, request)`; its base URL."""

    def handle(sock: socket.socket, _address: object) -> None:
        try:
            talk(sock, read_request(sock))
        except OSError:
            pass  # the provider hung up, which is its right
        finally:
            sock.close()

    server = StreamServer(("127.0.0.1", 0), handle)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.stop()


def says(*pieces: bytes, pause_s: float = 0.0) -> Talk:
    """A talk that sends these pieces and closes."""

    def talk(sock: socket.socket, _request: bytes) -> None:
        for piece in pieces:
            sock.sendall(piece)
            if pause_s:
                gevent.sleep(pause_s)

    return talk


def ask(talk: Talk, **options: Any) -> Sink:
    """The sink of one answer from such a server, after its end."""
    sink = Sink()
    with serving(talk) as url:
        stream = HttpProvider(url, "m", **options).stream(prompt(), sink, 5.0)
        assert sink.ended.wait(WAIT_S), "the answer did not end"
        stream.close()
    return sink
