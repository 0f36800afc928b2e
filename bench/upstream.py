"""A scripted OpenAI-compatible model server that costs almost nothing: one selector loop and a wheel of milliseconds.

`python -m bench.upstream --port 0` prints `{"port": n}`; `GET /stats` tells what it sent and how late. It answers
`/v1/models` and streamed `/v1/chat/completions`; not here: what it says (script.py), TLS, keys, tools.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import selectors
import socket
import time
from typing import Any

from bench.script import STAMP_DIGITS, STAMP_MARK, Script, parse_script

TICK_NS = 1_000_000
IDLE_S = 0.5
ENDED = -1
"""`stop_at` of an answer whose end is written, though perhaps not yet taken by the kernel."""
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK_HEAD = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":'
)
DELTA_HEAD = CHUNK_HEAD + b'[{"index":0,"delta":{"content":'
DELTA_TAIL = b'},"logprobs":null,"finish_reason":null}]}\n\n'
STAMP_HEAD = DELTA_HEAD + b'"' + STAMP_MARK.encode()
STAMP_TAIL = b' "' + DELTA_TAIL
STAMP_CHUNK_HEAD = b"%x\r\n" % (len(STAMP_HEAD) + STAMP_DIGITS + len(STAMP_TAIL)) + STAMP_HEAD
STAMP_CHUNK_TAIL = STAMP_TAIL + b"\r\n"


class Peer:
    """One client connection, and the answer that is being streamed on it, if any."""

    __slots__ = ("inbox", "index", "lead", "pending", "script", "sock", "stop_at", "usage", "where")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.inbox = b""
        self.pending = b""
        self.lead = ""
        self.script: Script | None = None
        self.index = self.stop_at = 0
        self.usage = False
        self.where: list[Peer] | None = None


class Upstream:
    """The server. `run` never returns; everything happens on its one thread."""

    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.listener.setblocking(False)
        self.port: int = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.wheels: dict[int, list[list[Peer]]] = {}
        self.later: list[tuple[int, Peer]] = []
        self.streams = self.tokens = self.requests = 0
        self.late_max_ns = 0

    def run(self) -> None:
        tick = time.monotonic_ns() // TICK_NS
        while True:
            now = time.monotonic_ns()
            if not self.streams:
                tick = now // TICK_NS
            while tick * TICK_NS <= now:
                self.late_max_ns = max(self.late_max_ns, now - tick * TICK_NS)
                self._turn(tick)
                tick += 1
            self._wait((tick * TICK_NS - time.monotonic_ns()) / 1e9 if self.streams else IDLE_S)

    def _wait(self, timeout_s: float) -> None:
        # select() on the selector's own descriptor: epoll's time-outs are whole milliseconds, these are not.
        ready, _, _ = select.select([self.selector], [], [], max(0.0, timeout_s))
        for key, _ in self.selector.select(0) if ready else ():
            if key.data is None:
                self._accept()
            else:
                self._read(key.data)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, _ = self.listener.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.selector.register(sock, selectors.EVENT_READ, Peer(sock))

    # -- requests

    def _read(self, peer: Peer) -> None:
        try:
            data = peer.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(peer)
            return
        peer.inbox += data
        head, blank, rest = peer.inbox.partition(b"\r\n\r\n")
        size = _content_length(head)
        if blank and len(rest) >= size:
            peer.inbox = rest[size:]
            self._request(peer, head, rest[:size])

    def _request(self, peer: Peer, head: bytes, body: bytes) -> None:
        self.requests += 1
        path = head.split(b" ", 2)[1]
        if path.endswith(b"/chat/completions"):
            self._chat(peer, json.loads(body))
        elif path.endswith(b"/models"):
            self._answer(peer, {"object": "list", "data": [{"id": "bench", "object": "model"}]})
        else:
            self._answer(peer, {"tokens": self.tokens, "streams": self.streams, "requests": self.requests,
                                "late_max_ms": self.late_max_ns / 1e6})  # fmt: skip
            self.late_max_ns = 0

    def _answer(self, peer: Peer, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self._write(
            peer, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )

    def _chat(self, peer: Peer, request: dict[str, Any]) -> None:
        question, prefix = _question(request["messages"])
        script = parse_script(question)
        limit = request.get("max_tokens") or request.get("max_completion_tokens") or script.tokens
        if not request.get("stream"):
            message = {"role": "assistant", "content": script.text()}
            self._answer(peer, {"object": "chat.completion", "choices": [{"index": 0, "message": message}]})
            return
        peer.script = script
        peer.index, peer.lead = script.resume(prefix) if prefix else (0, "")
        peer.stop_at = min(script.tokens, peer.index + limit)
        peer.usage = bool((request.get("stream_options") or {}).get("include_usage"))
        self._write(peer, SSE_HEAD)
        self._begin(peer, script)

    def _begin(self, peer: Peer, script: Script) -> None:
        """The first token at once (or after `first_ms`), the rest at a phase of its own."""
        self.streams += 1
        if script.first_ms:
            self.later.append((time.monotonic_ns() + script.first_ms * TICK_NS, peer))
            return
        self._token(peer)
        self._enter(peer, script)

    def _enter(self, peer: Peer, script: Script) -> None:
        period = max(1, round(1000 / script.rate))
        wheel = self.wheels.setdefault(period, [[] for _ in range(period)])
        slot = min(wheel, key=len)
        slot.append(peer)
        peer.where = slot

    # -- streaming

    def _turn(self, tick: int) -> None:
        if self.later:
            self._start_later()
        for period, wheel in self.wheels.items():
            slot = wheel[tick % period]
            if slot:
                for peer in tuple(slot):
                    self._token(peer)

    def _start_later(self) -> None:
        now = time.monotonic_ns()
        due = [peer for at, peer in self.later if at <= now]
        self.later = [(at, peer) for at, peer in self.later if at > now]
        for peer in due:
            if peer.script is not None:
                self._enter(peer, peer.script)

    def _token(self, peer: Peer) -> None:
        script = peer.script
        if script is None:
            return
        if peer.pending:
            # A reader that is behind gets its next token later, as from a model server with bounded buffers.
            self._write(peer, b"")
            if peer.stop_at == ENDED and not peer.pending:
                self._leave(peer)
            return
        if peer.lead:
            self._write(peer, _delta(peer.lead))
            peer.lead = ""
            return
        if peer.index >= peer.stop_at:
            self._finish(peer, script)
            return
        index, peer.index = peer.index, peer.index + 1
        self.tokens += 1
        if script.seed is None:
            self._write(peer, STAMP_CHUNK_HEAD + b"%018d" % time.monotonic_ns() + STAMP_CHUNK_TAIL)
        else:
            self._write(peer, _delta(script.token(index)))

    def _finish(self, peer: Peer, script: Script) -> None:
        reason = b"stop" if peer.index >= script.tokens else b"length"
        end = _chunk(CHUNK_HEAD + b'[{"index":0,"delta":{},"finish_reason":"%s"}]}\n\n' % reason)
        if peer.usage:
            usage = b'[],"usage":{"prompt_tokens":9,"completion_tokens":%d,"total_tokens":%d}}\n\n'
            end += _chunk(CHUNK_HEAD + usage % (peer.index, peer.index + 9))
        self._write(peer, end + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        peer.stop_at = ENDED
        if not peer.pending:
            self._leave(peer)

    def _leave(self, peer: Peer) -> None:
        if peer.script is not None:
            self.streams -= 1
            peer.script = None
        if peer.where is not None:
            peer.where.remove(peer)
            peer.where = None
        self.later = [entry for entry in self.later if entry[1] is not peer]

    def _write(self, peer: Peer, data: bytes) -> None:
        data = peer.pending + data
        try:
            sent = peer.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(peer)
            return
        peer.pending = data[sent:]

    def _drop(self, peer: Peer) -> None:
        self._leave(peer)
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(peer.sock)
        peer.sock.close()


def _delta(text: str) -> bytes:
    return _chunk(DELTA_HEAD + json.dumps(text).encode() + DELTA_TAIL)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0


def _question(messages: list[dict[str, Any]]) -> tuple[str, str]:
    """The last user message, and the assistant prefix after it that is to be continued ('' when there is none)."""
    prefix = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
    asked = [message["content"] for message in messages if message["role"] == "user"]
    return (asked[-1] if asked else ""), prefix


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    server = Upstream(parser.parse_args().port)
    print(json.dumps({"port": server.port}), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


if __name__ == "__main__":
    main()
