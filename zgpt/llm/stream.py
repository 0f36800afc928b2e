"""One streamed answer: from the bare descriptor on the hub's loop to the sink. Connecting is `http`'s.

This is the path of every token: one callback of a libev watcher, no greenlet switch.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import gevent
from gevent import Greenlet

from .base import ProviderError, StreamEnd, StreamSink, Usage
from .body import BadHttpError, Body
from .deltas import Choice, Chunk, parse_chunk, to_utf8
from .failures import cut, from_event, garbage
from .http import Answer
from .join import Seam
from .sse import SseParser, SseTooLargeError
from .wire import Recv

END_GRACE_S = 2.0
"""How long after `finish_reason` the usage and `[DONE]` are waited for."""

_READ = 1  # libev's EV_READ
_BROKEN = "Something broke on our side while the answer came in. Try again."


class HttpStream:
    """Begins by itself: `ask` runs in a greenlet and gives the head of the answer, or raises ProviderError."""

    __slots__ = (
        *("_any", "_body", "_closed", "_grace", "_greenlet", "_hide", "_raw", "_reason", "_recv", "_seam", "_seen"),
        *("_sink", "_sse", "_usage", "_watcher"),
    )

    def __init__(self, ask: Callable[[], Answer], sink: StreamSink, seam: Seam | None, hide: str | None) -> None:
        self._sink = sink
        self._seam = seam
        self._hide = hide  # the key, which no message may show
        self._closed = False
        self._any = False  # a byte of the body has come
        self._seen = False  # an event has come
        self._reason = ""
        self._usage: Usage | None = None
        self._sse = SseParser()
        self._body: Body  # set, like the next two, before the first byte is read
        self._recv: Recv
        self._raw: socket.socket | None = None
        self._watcher: Any = None  # gevent's watchers have no types
        self._grace: Any = None
        self._greenlet: Greenlet[..., None] | None = gevent.spawn(self._begin, ask)

    def close(self) -> None:
        """See Stream."""
        if self._closed:
            return
        self._closed = True
        for watcher in (self._watcher, self._grace):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._watcher = self._grace = None
        if self._raw is not None:  # only now: a watcher must never outlive its descriptor
            self._raw.close()
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None and greenlet is not gevent.getcurrent():
            greenlet.kill(block=False)

    def _begin(self, ask: Callable[[], Answer]) -> None:
        try:
            answer = ask()
        except ProviderError as error:
            self._fail(error)
            return
        except Exception:
            # A fault of ours: whoever waits for the answer is told before it goes on to the log.
            self._fail(ProviderError("internal", _BROKEN, retryable=True))
            raise
        self._greenlet = None
        if self._closed:
            # The head of the answer came in the same turn of the loop in which this was cancelled.
            answer.wire.close()
            return
        self._raw, self._recv, more = answer.wire.detach()
        try:
            self._body = Body(answer.head)
        except BadHttpError as fault:
            self._fail(garbage(str(fault)))
            return
        rest = answer.rest + more
        if rest or self._body.done:
            self._take(rest)
        if not self._closed:
            self._watcher = gevent.get_hub().loop.io(self._raw.fileno(), _READ)
            self._watcher.start(self._readable)

    def _readable(self) -> None:
        try:
            data = self._recv()
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a reset says no more than an end does
        if data:
            self._take(data)
        else:
            self._finish()

    def _take(self, data: bytes) -> None:
        body = self._body
        self._any = True
        try:
            for event in self._sse.feed(body.feed(data)):
                self._event(event)
                if self._closed:
                    return
        except (BadHttpError, SseTooLargeError) as fault:
            self._fail(garbage(str(fault)))
        except Exception:
            # The same, raised in the loop, which logs it.
            self._fail(ProviderError("internal", _BROKEN, retryable=True))
            raise
        if body.done:
            self._finish()

    def _event(self, data: bytes) -> None:
        if data == b"[DONE]":
            self._done()
            return
        try:
            chunk = parse_chunk(data)
        except (ValueError, RecursionError):
            self._fail(garbage("an event is not the JSON that was promised") if data.strip() else cut(began=self._seen))
            return
        self._seen = True
        if chunk.choices:
            self._choice(chunk.choices[0])
        if chunk.usage is not None or chunk.error:
            self._remark(chunk)

    def _done(self) -> None:
        """The server says that this was all; some say so without a `finish_reason`."""
        if not self._seen:
            self._fail(cut(began=False))
            return
        self._reason = self._reason or "stop"
        self._finish()

    def _choice(self, choice: Choice) -> None:
        delta = choice.delta
        if delta is not None:
            if reasoning := delta.reasoning_content or delta.reasoning:
                self._sink.on_delta("reasoning", to_utf8(reasoning))
            if (text := delta.content) and not self._closed:
                if self._seam is None:
                    self._sink.on_delta("text", to_utf8(text))
                else:
                    self._join(text)
        if choice.finish_reason:
            self._will_end(choice.finish_reason)

    def _join(self, text: str) -> None:
        if self._seam is not None and (text := self._seam.feed(text)):
            self._sink.on_delta("text", to_utf8(text))

    def _remark(self, chunk: Chunk) -> None:
        """What comes once or twice in an answer: its cost, or that it broke."""
        if chunk.usage is not None:
            self._usage = Usage(chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
        if chunk.error and not self._closed:
            self._fail(from_event(chunk.error, self._hide))

    def _will_end(self, reason: str) -> None:
        self._reason = reason
        if self._grace is None and not self._closed:
            self._grace = gevent.get_hub().loop.timer(END_GRACE_S)
            self._grace.start(self._finish)

    def _finish(self) -> None:
        """The bytes are over: an end if the server had said why, else a cut."""
        if self._closed:
            return
        if not self._reason:
            self._fail(cut(began=self._seen) if self._seen or not self._any else garbage("it is not an event stream"))
            return
        if self._seam is not None and (held := self._seam.finish()):
            self._sink.on_delta("text", to_utf8(held))
        sink, end = self._sink, StreamEnd(self._reason, self._usage)
        if not self._closed:
            self.close()
            sink.on_end(end)

    def _fail(self, error: ProviderError) -> None:
        if not self._closed:
            self.close()
            self._sink.on_error(error)
