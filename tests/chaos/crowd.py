"""`python -m tests.chaos.crowd`: thousands of light clients in one process, which come back by the web app's rules.

Reads JSON lines: first `{"port", "people": [[token, session_id, revision], …]}`, then `"reset"` or `"report"`; answers
each with one line. Not here: transcripts (tests/support/viewer.py) and what is done to the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import socket
import sys
import time
from collections import Counter
from typing import Any

from bench.load import source_address
from tests.support.ws_frames import CLOSE, PING, PONG, TEXT, FrameReader, encode

FLOOR_S = 0.5
CEILING_S = 20.0
GIVE_UP_S = 10.0
"""The web app's own: how long it waits for the opening, and for the answer to a command."""
BIND_ADDRESS_NO_PORT = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)
AT_ONCE = 64
"""First connections at once: the crowd gathers in order, and returns as it likes."""


def retry_delay(attempt: int) -> float:
    """Full jitter, as static/pwa/core/backoff.js: even between 0.5 s and 1 s · 2^attempt, never above 20 s."""
    return random.uniform(FLOOR_S, min(CEILING_S, 1.0 * 2 ** min(attempt, 10)))


class Person(asyncio.Protocol):
    """One client: connects, says hello, opens its session, and comes back whenever the connection is lost."""

    def __init__(self, crowd: Crowd, index: int, token: str, session_id: str, revision: int) -> None:
        self.crowd, self.token, self.session_id, self.revision = crowd, token, session_id, revision
        self.address = source_address(index)
        self.transport: asyncio.Transport | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.attempt = 0
        self.there = False
        self.lost_s = self.open_s = 0.0
        self.handshake = b""
        self.upgraded = False
        self.frames = FrameReader()

    async def connect(self) -> None:
        self.handshake, self.upgraded, self.frames = b"", False, FrameReader()
        sock = socket.socket()
        sock.setblocking(False)
        try:
            if self.address:
                sock.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
                sock.bind((self.address, 0))
            async with asyncio.timeout(GIVE_UP_S):
                await self.crowd.loop.sock_connect(sock, ("127.0.0.1", self.crowd.port))
            await self.crowd.loop.create_connection(lambda: self, sock=sock)
        except (OSError, TimeoutError) as fault:
            sock.close()
            self.crowd.faults[type(fault).__name__] += 1
            self._again()

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.crowd.request)
        self._wait()

    def data_received(self, data: bytes) -> None:
        if not self.upgraded:
            self.handshake += data
            head, blank, data = self.handshake.partition(b"\r\n\r\n")
            if not blank:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.crowd.refusals[int(head.split(b" ", 2)[1])] += 1
                self._drop()
                return
            self.upgraded = True
            self.open_s = time.monotonic()
            self._command("hello", token=self.token)
        for opcode, payload in self.frames.feed(data):
            self._frame(opcode, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        if self.there:
            self.there = False
            self.crowd.present -= 1
            self.crowd.lost += 1
            self.lost_s = time.monotonic()
            self.attempt = 0
        self.transport = None
        self._again()

    # -- the rules

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._write(encode(PONG, payload))
        elif opcode == CLOSE:
            self.crowd.closes[int.from_bytes(payload[:2], "big")] += 1
            self._drop()
        elif opcode == TEXT and not self.there:
            self._answer(json.loads(payload))

    def _answer(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "error":
            self.crowd.errors[frame["code"]] += 1
            self._drop()
        elif frame.get("id") == "hello":
            self._command("session.open", session_id=self.session_id, revision=self.revision, holds=[])
        elif frame.get("id") == "session.open":
            if frame["result"]["more"]:
                raise AssertionError("a session of the crowd fits into one answer")
            self._caught_up(len(frame["result"]["messages"]))

    def _caught_up(self, messages: int) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.there = True
        self.crowd.present += 1
        self.crowd.messages += messages
        if self.lost_s:
            now_s = time.monotonic()
            self.crowd.returns.append((self.open_s - self.lost_s, now_s - self.open_s, now_s - self.lost_s))

    def _command(self, kind: str, **fields: Any) -> None:
        self._write(encode(TEXT, json.dumps({"type": kind, "id": kind, **fields}).encode()))
        self._wait()

    def _write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def _wait(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.crowd.loop.call_later(GIVE_UP_S, self._unanswered)

    def _unanswered(self) -> None:
        self.crowd.faults["command" if self.upgraded else "open"] += 1
        self._drop()

    def _drop(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def _again(self) -> None:
        self.crowd.loop.call_later(retry_delay(self.attempt), self.crowd.start, self)
        self.attempt += 1


class Crowd:
    """All clients of this process, and what happened to them since the last reset."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, people: list[tuple[str, str, int]]) -> None:
        self.loop, self.port = loop, port
        self.request = (
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ).encode()
        self.people = [Person(self, index, *one) for index, one in enumerate(people)]
        self.present = 0
        self.connecting: set[asyncio.Task[None]] = set()
        self.reset()

    def reset(self) -> None:
        self.lost = self.messages = 0
        self.returns: list[tuple[float, float, float]] = []
        self.refusals: Counter[int] = Counter()
        self.closes: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()

    def start(self, person: Person) -> None:
        task = self.loop.create_task(person.connect())
        self.connecting.add(task)
        task.add_done_callback(self.connecting.discard)

    async def gather(self) -> None:
        """Everybody comes for the first time, so many at once."""
        for index, person in enumerate(self.people):
            while index - self.present >= AT_ONCE:
                await asyncio.sleep(0.002)
            self.start(person)

    def report(self) -> dict[str, Any]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        counters = {name: dict(getattr(self, name)) for name in ("refusals", "closes", "errors", "faults")}
        return {
            "present": self.present, "lost": self.lost, "messages": self.messages, "returns": self.returns,
            "cpu_s": used.ru_utime + used.ru_stime, **counters,
        }  # fmt: skip


async def main() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(0, "rb"))
    given = json.loads(await lines.readline())
    crowd = Crowd(loop, given["port"], [tuple(one) for one in given["people"]])
    gathering = loop.create_task(crowd.gather())
    while line := await lines.readline():
        if json.loads(line) == "reset":
            crowd.reset()
        sys.stdout.write(json.dumps(crowd.report()) + "\n")
        sys.stdout.flush()
    gathering.cancel()


if __name__ == "__main__":
    asyncio.run(main())
