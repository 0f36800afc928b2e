"""The moment at which something is due for a connection, kept for all by one clock; what is due is not known here."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from gevent.event import Event

from zgpt.core import clock
from zgpt.gateway.client import Client

TICK_S = 1.0

log = structlog.get_logger(__name__)


class Deadlines:
    """Buckets by the second: setting and clearing a deadline cost the same at ten and at ten thousand connections."""

    def __init__(self, act: Callable[[Client], None]) -> None:
        self._act = act
        self._buckets: dict[int, set[Client]] = {}
        self._stopped = Event()

    def set(self, client: Client, due_s: float) -> None:
        """`due_s`: seconds since 1970; replaces the one that was set."""
        self.clear(client)
        client.due_s = int(due_s) + 1
        self._buckets.setdefault(client.due_s, set()).add(client)

    def clear(self, client: Client) -> None:
        bucket = self._buckets.get(client.due_s)
        if bucket is not None:
            bucket.discard(client)
            if not bucket:
                del self._buckets[client.due_s]
        client.due_s = 0

    def run(self) -> None:
        while not self._stopped.wait(TICK_S):
            self.tick()

    def stop(self) -> None:
        self._stopped.set()

    def tick(self) -> None:
        """Act on everything that is due now."""
        now_s = clock.now_ms() / 1000
        for due_s in [second for second in self._buckets if second <= now_s]:
            for client in self._buckets.pop(due_s):
                client.due_s = 0
                self._act_safely(client)

    def _act_safely(self, client: Client) -> None:
        try:
            self._act(client)
        except Exception:
            # One client's fault must not end the deadlines of all others.
            log.exception("deadline_failed")
