"""The client's side of RFC 6455 framing, strict and incremental, for tests. Not here: any socket (see ws_client.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0
FIN = 0x80
MASKED = 0x80


class BrokenFrame(AssertionError):
    """The server sent bytes that RFC 6455 does not allow; the text says which rule."""


def encode(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """One masked frame as a client must send it (RFC 6455 §5.2)."""
    first = opcode | (FIN if fin else 0)
    key = os.urandom(4)
    return bytes([first]) + _length(len(payload)) + key + mask(payload, key)


def mask(payload: bytes, key: bytes) -> bytes:
    """XOR with the repeated key, as one big integer: fast without any extension."""
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


def _length(size: int) -> bytes:
    if size < 126:
        return bytes([MASKED | size])
    if size < 1 << 16:
        return bytes([MASKED | 126]) + size.to_bytes(2, "big")
    return bytes([MASKED | 127]) + size.to_bytes(8, "big")


class FrameReader:
    """Feed it bytes; it yields whole messages and control frames as (opcode, payload)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._opcode = 0
        self.frames = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yields in order; raises BrokenFrame at the first broken rule."""
        self._buffer += data
        while (frame := self._take()) is not None:
            self.frames += 1
            message = self._message(*frame)
            if message is not None:
                yield message

    def _take(self) -> tuple[bool, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        if buffer[0] & 0x70 or buffer[1] & MASKED:
            raise BrokenFrame(f"reserved bits or a mask from the server: {bytes(buffer[:8])!r}")
        start, size = 2, buffer[1]
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + size:
            return None
        fin, opcode = bool(buffer[0] & FIN), buffer[0] & 0x0F
        payload = bytes(buffer[start : start + size])
        del buffer[: start + size]
        return fin, opcode, payload

    def _message(self, fin: bool, opcode: int, payload: bytes) -> tuple[int, bytes] | None:
        if opcode >= CLOSE:
            return self._control(fin, opcode, payload)
        if (opcode == CONTINUATION) is not bool(self._opcode) or opcode > BINARY:
            raise BrokenFrame(f"opcode {opcode} while message opcode is {self._opcode}")
        self._opcode = self._opcode or opcode
        self._parts.append(payload)
        if not fin:
            return None
        message = (self._opcode, b"".join(self._parts))
        self._parts, self._opcode = [], 0
        return message

    @staticmethod
    def _control(fin: bool, opcode: int, payload: bytes) -> tuple[int, bytes]:
        if not fin or len(payload) > 125 or opcode > PONG:
            raise BrokenFrame(f"control frame {opcode} with fin={fin}, {len(payload)} bytes")
        return opcode, payload
