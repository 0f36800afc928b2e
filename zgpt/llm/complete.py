"""A whole short answer at once, for what nobody watches being written (titles)."""

from __future__ import annotations

from gevent.event import Event

from .base import Part, Prompt, Provider, ProviderError, StreamEnd
from .failures import late

MAX_BYTES = 256 * 1024


class _Collector:
    def __init__(self) -> None:
        self.text = bytearray()
        self.error: ProviderError | None = None
        self.done = Event()

    def on_delta(self, part: Part, data: bytes) -> None:
        if part == "text":
            self.text += data
            if len(self.text) >= MAX_BYTES:
                self.done.set()

    def on_end(self, end: StreamEnd) -> None:
        self.done.set()

    def on_error(self, error: ProviderError) -> None:
        self.error = error
        self.done.set()


def complete(provider: Provider, prompt: Prompt, deadline_s: float) -> str:
    """The text of the whole answer; waits in the calling greenlet, raises ProviderError. Bounded by `MAX_BYTES`."""
    collector = _Collector()
    stream = provider.stream(prompt, collector, deadline_s)
    try:
        in_time = collector.done.wait(deadline_s)
    finally:
        stream.close()
    if collector.error is not None:
        raise collector.error
    if not in_time:
        raise late("finish its answer", deadline_s)
    return collector.text[:MAX_BYTES].decode("utf-8", "ignore")
