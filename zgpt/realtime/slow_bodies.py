"""The time a whole request body may take to arrive, for gunicorn's reader; how long a pause may be is in `worker`.

A client that sends a byte now and then is never silent for long, and would hold one of the greenlets that answer
requests for as long as it likes. The head has a deadline of its own (`keepalive` in gunicorn.conf.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from zgpt.core import clock

BODY_S: Final = 60.0
"""The largest body is about 200 KB: half a minute on the slowest telephone."""


@contextmanager
def bounded(reader: Any, sock: Any, pause_s: float, body_s: float = BODY_S) -> Iterator[None]:
    """While a request is answered, read its body until `body_s` from now; TimeoutError then, or after a pause."""
    read, due_s = reader.chunk, clock.monotonic() + body_s

    def chunk(size_hint: int | None = None) -> bytes:
        left_s = due_s - clock.monotonic()
        if left_s <= 0:
            raise TimeoutError("the body of the request takes too long")
        sock.settimeout(min(pause_s, left_s))
        try:
            piece: bytes = read(size_hint)
        finally:
            sock.settimeout(pause_s)
        return piece

    reader.chunk = chunk
    try:
        yield
    finally:
        # The next request of this connection begins with a head, for which the worker has its own clock.
        del reader.chunk
