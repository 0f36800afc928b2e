"""The client's half of RFC 6455 framing: bytes in, events out, however the bytes were split. Pure; no socket."""

import codecs
from typing import Final

from websockets.speedups import apply_mask

from zgpt.realtime import close_codes
from zgpt.realtime.frames import BINARY, CLOSE, CONTINUATION, CONTROL_PAYLOAD_BYTES, PONG, TEXT

Event = tuple[int, bytes]
"""`(opcode, payload)`: a message (TEXT, which is valid UTF-8, or BINARY) or a control frame (CLOSE, PING, PONG)."""

_FIN: Final = 0x80
_RESERVED_BITS: Final = 0x70
_MASKED: Final = 0x80
_MASK_BYTES: Final = 4
_SHORT_HEAD_BYTES: Final = 2 + _MASK_BYTES
_LENGTH_64: Final = 127
_NONE: Final = 0
EMPTY_FRAGMENTS: Final = 128
"""Fragments of one message that may be empty: they hold nothing, and a stream of them would only keep us at work."""
_new_decoder = codecs.getincrementaldecoder("utf-8")


class FrameError(Exception):
    """The peer broke the protocol or a limit: close with `code`; `name` is a stable word for the metric."""

    def __init__(self, code: int, name: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.name = name
        self.reason = reason


class FrameParser:
    """Give it what was read with `feed`, then take events with `next_event` until None.

    It keeps at most one unfinished message, below `limit_bytes`, and what was fed last. After a FrameError it must not
    be used again.
    """

    __slots__ = ("_at", "_data", "_decoder", "_empty", "_kind", "_limit_bytes", "_message")

    def __init__(self, limit_bytes: int) -> None:
        self._data: bytes | bytearray = b""
        self._at = 0
        self._limit_bytes = limit_bytes
        self._kind = _NONE
        self._empty = 0
        self._message = bytearray()
        self._decoder: codecs.IncrementalDecoder | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing unfinished is held, so that this parser may be thrown away."""
        return self._kind == _NONE and self._at == len(self._data)

    def feed(self, data: bytes) -> None:
        """Take more of the stream, in any pieces."""
        if self._at == len(self._data):
            self._data, self._at = data, 0
            return
        held = self._data
        if isinstance(held, bytes):
            held = bytearray(held[self._at :])
        else:
            del held[: self._at]
        # A bytearray grows in place: a large message in many small reads stays linear.
        held += data
        self._data, self._at = held, 0

    def unfinished(self) -> tuple[bytes, bytes, int]:
        """What it holds: bytes that were not parsed, the payload so far of a message in fragments, its opcode or 0."""
        return bytes(self._data[self._at :]), bytes(self._message), self._kind

    def go_on(self, unread: bytes, fragments: bytes, fragments_of: int) -> None:
        """Begin where another parser was `unfinished`."""
        self._data = unread
        self._kind = fragments_of
        self._message = bytearray(fragments)
        if fragments_of == TEXT:
            self._decoder = _new_decoder()
            self._decoder.decode(fragments)

    def next_event(self) -> Event | None:
        """The next whole message or control frame, or None until more is fed. Raises FrameError."""
        while True:
            data, at = self._data, self._at
            if len(data) - at < 2:
                self._forget_eaten()
                return None
            first = data[at]
            size = data[at + 1] ^ _MASKED
            body = at + _SHORT_HEAD_BYTES
            opcode = first & 0x0F
            if size >= _MASKED or first & _RESERVED_BITS:
                self._refuse_head(at, opcode, size)
                return None
            if size > CONTROL_PAYLOAD_BYTES:
                size, body = self._long_size(at, size)
            self._check(first, opcode, size)
            end = body + size
            if end > len(data):
                return None
            payload = apply_mask(data[body:end], data[body - _MASK_BYTES : body])
            self._at = end
            if event := self._take(first, opcode, payload):
                return event

    def _forget_eaten(self) -> None:
        """Let go of a read that was used up, while a fragmented message may wait long for its next one."""
        if self._at == len(self._data):
            self._data, self._at = b"", 0

    def _long_size(self, at: int, size: int) -> tuple[int, int]:
        """The size from the 16 or 64 bits after the head, and where the payload begins."""
        length_bytes = 8 if size == _LENGTH_64 else 2
        field = self._data[at + 2 : at + 2 + length_bytes]
        if len(field) < length_bytes:
            # Not all there: as much as passes the check of the size, and a beginning that lies beyond what is there.
            return self._limit_bytes - len(self._message), len(self._data) + 1
        real = int.from_bytes(field, "big")
        if real >> 63 or real < (0x10000 if size == _LENGTH_64 else CONTROL_PAYLOAD_BYTES + 1):
            raise _broken("bad_length", "The length of a frame must be encoded in the shortest way.")
        return real, at + _SHORT_HEAD_BYTES + length_bytes

    def _check(self, first: int, opcode: int, size: int) -> None:
        """Refuse what the head alone shows to be wrong, before the payload has arrived."""
        if opcode >= CLOSE:
            _check_control(first, opcode, size)
            return
        if opcode > BINARY:
            raise _broken("bad_opcode", "This opcode is reserved.")
        if (opcode == CONTINUATION) != (self._kind != _NONE):
            raise _broken("bad_fragment", "Fragments of messages must follow each other.")
        self._check_size(size)

    def _check_size(self, size: int) -> None:
        if size > self._limit_bytes - len(self._message):
            raise FrameError(
                close_codes.TOO_BIG, "too_big", f"A message may have {self._limit_bytes} bytes. Send less at once."
            )

    def _refuse_head(self, at: int, opcode: int, size: int) -> None:
        """Raise for a head with reserved bits or without a mask; returns while its length is not all there.

        Of a compressed message (RFC 7692) the size is told first: it is too long however it would be unpacked.
        """
        if size >= _MASKED:
            raise _broken("not_masked", "Frames from a client must be masked.")
        body = at
        if size > CONTROL_PAYLOAD_BYTES:
            size, body = self._long_size(at, size)
        if body > len(self._data):
            return
        if opcode < CLOSE:
            self._check_size(size)
        raise _broken("reserved_bits", "No extension was agreed, so the reserved bits must be 0.")

    def _take(self, first: int, opcode: int, payload: bytes) -> Event | None:
        if opcode >= CLOSE:
            return opcode, payload
        if opcode and first & _FIN:
            if opcode == TEXT and not payload.isascii():
                _check_utf8(payload)
            return opcode, payload
        return self._take_fragment(first, opcode, payload)

    def _take_fragment(self, first: int, opcode: int, payload: bytes) -> Event | None:
        if opcode:
            self._kind = opcode
            self._decoder = _new_decoder() if opcode == TEXT else None
            self._empty = 0
        self._message += payload
        if not payload:
            self._count_empty()
        if self._decoder:
            _check_fragment(self._decoder, payload, final=bool(first & _FIN))
        if not first & _FIN:
            return None
        event = self._kind, bytes(self._message)
        self._kind, self._message, self._decoder = _NONE, bytearray(), None
        return event

    def _count_empty(self) -> None:
        self._empty += 1
        if self._empty > EMPTY_FRAGMENTS:
            raise _broken("bad_fragment", f"A message may have {EMPTY_FRAGMENTS} empty fragments.")


def _check_control(first: int, opcode: int, size: int) -> None:
    if opcode > PONG:
        raise _broken("bad_opcode", "This opcode is reserved.")
    if not first & _FIN or size > CONTROL_PAYLOAD_BYTES:
        raise _broken("bad_control", "A control frame must be whole and carry at most 125 bytes.")


def _check_fragment(decoder: codecs.IncrementalDecoder, payload: bytes, *, final: bool) -> None:
    try:
        decoder.decode(payload, final)
    except UnicodeDecodeError:
        raise _bad_utf8() from None


def _check_utf8(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise _bad_utf8() from None


def _broken(name: str, reason: str) -> FrameError:
    return FrameError(close_codes.PROTOCOL_ERROR, name, reason)


def _bad_utf8() -> FrameError:
    return FrameError(close_codes.BAD_UTF8, "bad_utf8", "Text must be valid UTF-8.")


def parse_close(payload: bytes) -> tuple[int, str]:
    """The code (1005 when there is none) and reason of a close frame (RFC 6455 §5.5.1, §7.4). Raises FrameError."""
    if not payload:
        return close_codes.NO_STATUS, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not close_codes.is_sendable(code):
        raise _broken("bad_close", "This close code must not be sent.")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise _bad_utf8() from None
