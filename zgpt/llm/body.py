"""HTTP/1.1 response heads and bodies, taken apart as they arrive (RFC 9112 §4 to 7). Pure, no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
MAX_CHUNK_LINE_BYTES = 4096

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\r\n]*)?")
_HEX = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_SIZE, _CHUNK_END, _TRAILER = range(3)  # the line that is due next in a chunked body
# Looking a chunk's size up is quicker than parsing it; larger ones are parsed.
_SIZES = {form % size: size for size in range(1, 4096) for form in (b"%x", b"%X")}


class BadHttpError(ValueError):
    """What came is not HTTP/1.1 as RFC 9112 has it, or it is over a bound. Says which, in words."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers (names lower-cased; of repeated ones, the values joined by a comma)."""

    status: int
    headers: Mapping[str, str]

    @property
    def media_type(self) -> str:
        """`text/event-stream` of `Text/Event-Stream; charset=utf-8`; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def split_head(data: bytes) -> tuple[Head, bytes] | None:
    """The head and what follows it, or None while it is not whole. Skips interim (1xx) heads. Raises BadHttpError."""
    begin = 0
    while True:
        end = data.find(b"\r\n\r\n", begin)
        if end < 0 and not b"HTTP/1.".startswith(data[begin : begin + 7]):
            raise BadHttpError("it does not speak HTTP/1.1")
        if (end if end >= 0 else len(data)) > MAX_HEAD_BYTES:
            raise BadHttpError(f"the head of its answer is larger than {MAX_HEAD_BYTES} bytes")
        if end < 0:
            return None
        head = parse_head(data[begin:end])
        begin = end + 4
        if head.status >= 200:
            return head, data[begin:]


def parse_head(data: bytes) -> Head:
    """A status line and header lines, without the empty line; raises BadHttpError."""
    first, *lines = data.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise BadHttpError("it does not speak HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            raise BadHttpError("the head of its answer is malformed")
        key = name.lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return Head(int(status[1]), headers)


class Body:
    """Undoes the framing of one body. `done` turns true once the framing says that it is whole."""

    __slots__ = ("_due", "_left", "_line", "chunked", "done", "length")

    def __init__(self, head: Head) -> None:
        coding = head.headers.get("transfer-encoding", "").lower()
        if coding not in ("", "identity", "chunked"):
            raise BadHttpError(f"its answer is encoded as “{coding[:40]}”, which was not asked for")
        if head.headers.get("content-encoding", "identity").lower() != "identity":
            raise BadHttpError("its answer is compressed, which was not asked for")
        self.chunked = coding == "chunked"
        self.length = None if self.chunked else _length(head)
        self.done = self.length == 0
        self._left = self.length or 0
        self._line = b""
        self._due = _SIZE

    def feed(self, data: bytes) -> bytes:
        """The content within these bytes (may be empty); raises BadHttpError. Bytes behind the end are read over."""
        if not self.chunked:
            return self._plain(data)
        if self._due == _SIZE and not self._line:
            at = data.find(b"\r\n", 0, 5)
            # Exactly one whole chunk in one read, as servers send tokens.
            if len(data) - at - 4 == _SIZES.get(data[:at]) and data[-2:] == b"\r\n":
                return data[at + 2 : -2]
        return self._chunks(data)

    def _plain(self, data: bytes) -> bytes:
        if self.length is None:
            return data
        data = data[: self._left]
        self._left -= len(data)
        self.done = not self._left
        return data

    def _chunks(self, data: bytes) -> bytes:
        out: list[bytes] = []
        while data and not self.done:
            if self._left:
                out.append(data[: self._left])
                data = data[self._left :]
                self._left -= len(out[-1])
                continue
            data = self._take_line(data)
        return b"".join(out)

    def _take_line(self, data: bytes) -> bytes:
        """Read up to the end of a line and act on it; the rest of the bytes."""
        before = len(self._line)
        line = self._line + data
        end = line.find(b"\r\n", max(0, before - 1))
        if end > MAX_CHUNK_LINE_BYTES or (end < 0 and len(line) > MAX_CHUNK_LINE_BYTES):
            raise BadHttpError("the framing of its answer is broken")
        if end < 0:
            self._line = line
            return b""
        self._line = b""
        self._act(line[:end])
        return data[end + 2 - before :]

    def _act(self, line: bytes) -> None:
        if self._due == _SIZE:
            self._left = _chunk_bytes(line)
            self._due = _CHUNK_END if self._left else _TRAILER
        elif self._due == _TRAILER:
            self.done = not line
        elif line:
            raise BadHttpError("the framing of its answer is broken")
        else:
            self._due = _SIZE


def _chunk_bytes(line: bytes) -> int:
    match = _HEX.fullmatch(line)
    if match is None:
        raise BadHttpError("the framing of its answer is broken")
    return int(match[1], 16)


def _length(head: Head) -> int | None:
    """Content-Length, or None for a body that ends with the connection."""
    text = head.headers.get("content-length")
    if text is None:
        return None
    values = {value.strip() for value in text.split(",")}
    value = values.pop()
    if values or not (value.isascii() and value.isdigit() and len(value) < 16):
        raise BadHttpError("the head of its answer is malformed")
    return int(value)
