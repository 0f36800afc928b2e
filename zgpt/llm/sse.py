"""Server-Sent Events, taken apart as they arrive: bytes in, the `data` of each whole event out. Pure, no I/O.

Follows the WHATWG HTML standard §9.2.6 (lines end with CR, LF or CRLF; comments; several `data` lines; a BOM).
Fields other than `data` are read over: OpenAI-compatible servers say nothing in them.
"""

from __future__ import annotations

MAX_LINE_BYTES = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_DATA = b"data: "


class SseTooLargeError(ValueError):
    """A line or an event is larger than `MAX_LINE_BYTES`."""


class SseParser:
    """Give it the body in pieces of any size; the events do not depend on where it was cut."""

    __slots__ = ("_event", "_event_bytes", "_fragments", "_idle", "_skip_lf", "_start", "_waiting_bytes")

    def __init__(self) -> None:
        self._fragments: list[bytes] = []  # of the line that has not ended yet
        self._waiting_bytes = 0
        self._event: list[bytes] = []  # data lines of the event that has not ended yet
        self._event_bytes = 0
        self._skip_lf = False  # the last byte was a CR, its LF may still come
        self._start: bytes | None = b""  # what may become a BOM; None once decided
        self._idle = False  # between two events, nothing kept

    def feed(self, data: bytes) -> list[bytes]:
        """The data of the events that end within these bytes; raises SseTooLargeError."""
        if (
            self._idle
            and data[-2:] == b"\n\n"
            and data[:6] == _DATA
            and data.find(b"\n") == len(data) - 2
            and b"\r" not in data
            and len(data) <= MAX_LINE_BYTES
        ):
            return [data[6:-2]]  # one whole event, the way nearly every server sends a token
        return self._feed_slowly(data)

    def _feed_slowly(self, data: bytes) -> list[bytes]:
        if self._start is not None:
            data = self._without_bom(data)
        if self._skip_lf and data:
            self._skip_lf = False
            if data[:1] == b"\n":
                data = data[1:]
        if b"\r" in data:
            self._skip_lf = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return self._lines(data)

    def _without_bom(self, data: bytes) -> bytes:
        data = (self._start or b"") + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._start = data
            return b""
        self._start = None
        return data.removeprefix(_BOM)

    def _lines(self, data: bytes) -> list[bytes]:
        first, newline, rest = data.partition(b"\n")
        self._keep(first)
        if not newline:
            return []
        lines = [b"".join(self._fragments), *rest.split(b"\n")]
        last = lines.pop()
        self._fragments.clear()
        self._waiting_bytes = 0
        self._keep(last)
        events = [event for line in lines if (event := self._line(line)) is not None]
        self._idle = not (self._fragments or self._event or self._skip_lf)
        return events

    def _keep(self, fragment: bytes) -> None:
        if not fragment:
            return
        self._idle = False
        self._fragments.append(fragment)
        self._waiting_bytes += len(fragment)
        if self._waiting_bytes > MAX_LINE_BYTES:
            raise SseTooLargeError(f"a line is longer than {MAX_LINE_BYTES} bytes")

    def _line(self, line: bytes) -> bytes | None:
        """Take one whole line; the event's data when it is the empty line that ends an event."""
        if not line:
            return self._dispatch()
        if line[:5] == b"data:":
            self._append(line[6:] if line[5:6] == b" " else line[5:])
        elif line == b"data":
            self._append(b"")
        return None

    def _append(self, value: bytes) -> None:
        self._event.append(value)
        self._event_bytes += len(value) + 1
        if self._event_bytes > MAX_LINE_BYTES + 1:
            raise SseTooLargeError(f"an event is larger than {MAX_LINE_BYTES} bytes")

    def _dispatch(self) -> bytes | None:
        if not self._event:
            return None
        data = b"\n".join(self._event)
        self._event.clear()
        self._event_bytes = 0
        return data
