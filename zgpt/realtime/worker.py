"""gunicorn's worker: gevent first of all, and an exit that loses nothing. What is done at the exit is told to drain.py.

The master imports this file before the fork, unpatched; so what belongs to the app is imported in `_drain`.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Final

import gevent
from gevent.event import Event
from gevent.server import StreamServer
from gunicorn.errors import ConfigError
from gunicorn.workers.base import Worker as BaseWorker
from gunicorn.workers.ggevent import GeventWorker

from zgpt.core import clock
from zgpt.realtime.lobby import Lobby

EXIT_MARGIN_S: Final = 2.0
"""The master kills a worker `graceful_timeout` after its SIGTERM: be gone this much earlier."""
STALL_S: Final = 30.0
"""A client that sends nothing of its request, or takes nothing of the answer, for this long is given up."""
_NOTIFY_S: Final = 1.0
_LOOK_AGAIN_S: Final = 0.05


class Worker(GeventWorker):
    """`worker_class = "zgpt.realtime.worker.Worker"`.

    Unlike its parent it hears of its end at once, tells the sockets, and does not wait for idle keep-alive connections.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._requests = 0

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what would leave WebSockets broken, at start and in words."""
        if cfg.is_ssl:
            raise ConfigError("TLS ends at the proxy: remove certfile and keyfile, and see docs/DEPLOYMENT.md.")

    def run(self) -> None:
        """Serve until told to stop; then stop accepting, drain, and return: the process exits."""
        self._told = Event()
        self._lobby = Lobby(self.worker_connections)
        servers = [self._serve(listener) for listener in self.sockets]
        while self.alive:
            self.notify()
            self._told.wait(_NOTIFY_S)
        for server in servers:
            server.close()
        self._lobby.close()
        self._drain()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: wake `run`."""
        super().handle_exit(sig, frame)
        self._told.set()

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """One request; counted, so that the exit knows what is still running."""
        self._requests += 1
        sock.settimeout(STALL_S)
        if self._lobby.crowded:
            req.force_close()
        try:
            return super().handle_request(listener_name, req, sock, addr)
        finally:
            self._requests -= 1

    def notify(self) -> None:
        """Tell the master that we live; without a master, end as if told to."""
        BaseWorker.notify(self)
        if self.ppid != os.getppid():
            self.alive = False

    def _serve(self, listener: Any) -> StreamServer:
        listener.setblocking(1)
        spawn: Any = self._lobby.admit
        server: StreamServer = StreamServer(listener, handle=partial(self.handle, listener), spawn=spawn)
        if self.cfg.workers > 1:
            # Else the first worker that wakes takes the whole backlog.
            server.max_accept = 1
        server.start()
        return server

    def _drain(self) -> None:
        from zgpt.realtime import drain
        from zgpt.realtime.loop import open_connections

        deadline = clock.monotonic() + max(EXIT_MARGIN_S, self.cfg.graceful_timeout - EXIT_MARGIN_S)
        job = gevent.spawn(drain.drain)
        while not job.ready() or self._requests or open_connections():
            if clock.monotonic() >= deadline:
                self.log.warning("exit with %d sockets and %d requests open", open_connections(), self._requests)
                return
            self.notify()
            gevent.sleep(_LOOK_AGAIN_S)
