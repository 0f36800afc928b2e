"""Runs commands in a bounded number of greenlets, one at a time per connection; what they do is in `commands`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import gevent

from zgpt.gateway.client import Client
from zgpt.realtime.protocol import AnyCommand

WORKERS = 64
"""Above the size of any sensible database pool more greenlets only wait for a connection in each other's way."""


class CommandPool:
    """A connection waits in line as a whole, so one with many commands delays another by one command at most."""

    def __init__(self, act: Callable[[Client, AnyCommand], None]) -> None:
        self._act = act
        self._ready: deque[Client] = deque()
        self._workers = 0

    def __len__(self) -> int:
        """Clients that wait for a command of theirs, or are being served."""
        return len(self._ready) + self._workers

    def submit(self, client: Client) -> None:
        """The client's queue has a command."""
        if client.queued:
            return
        client.queued = True
        self._ready.append(client)
        if self._workers < WORKERS:
            self._workers += 1
            gevent.spawn(self._work)

    def _work(self) -> None:
        try:
            while self._ready:
                self._take(self._ready.popleft())
        finally:
            self._workers -= 1

    def _take(self, client: Client) -> None:
        if client.queue:
            self._act(client, client.queue.popleft())
        if client.queue and not client.connection.closed:
            self._ready.append(client)
        else:
            client.queue = None
            client.queued = False
