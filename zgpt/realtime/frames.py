"""The server's half of RFC 6455 framing: bytes for what is sent. Pure; reading is in parser.py, writing in outbox.py.

A server never masks (§5.1) and Z-GPT never fragments: one message is one frame, made once and written to any number of
sockets.
"""

import struct
from typing import Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

CONTROL_PAYLOAD_BYTES: Final = 125
"""The most that a control frame may carry (§5.5)."""
_FIN: Final = 0x80
_CODE_BYTES: Final = 2
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127
_head_16 = struct.Struct(">BBH").pack
_head_64 = struct.Struct(">BBQ").pack


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """One whole unmasked frame with FIN set (§5.2)."""
    size = len(payload)
    first = _FIN | opcode
    if size < _LENGTH_16:
        return bytes((first, size)) + payload
    if size < 0x10000:
        return _head_16(first, _LENGTH_16, size) + payload
    return _head_64(first, _LENGTH_64, size) + payload


def encode_text(payload: bytes) -> bytes:
    """A text message; the payload must be valid UTF-8."""
    return encode_frame(TEXT, payload)


def encode_binary(payload: bytes) -> bytes:
    """A binary message."""
    return encode_frame(BINARY, payload)


def encode_ping(payload: bytes = b"") -> bytes:
    """A ping of at most 125 bytes."""
    return encode_frame(PING, payload)


def encode_pong(payload: bytes = b"") -> bytes:
    """A pong; it repeats the payload of the ping that it answers (§5.5.3)."""
    return encode_frame(PONG, payload)


def encode_close(code: int | None = None, reason: str = "") -> bytes:
    """A close frame (§5.5.1): empty without a code; a reason that does not fit is cut at a whole character."""
    if code is None:
        return encode_frame(CLOSE, b"")
    room = CONTROL_PAYLOAD_BYTES - _CODE_BYTES
    text = reason.encode()[:room].decode(errors="ignore")
    return encode_frame(CLOSE, struct.pack(">H", code) + text.encode())
