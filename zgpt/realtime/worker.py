"""gunicorn's worker: gevent first of all, and an exit that loses nothing. What is done at the exit is told to drain.py.

The master imports this file before the fork, unpatched; so what belongs to the app is imported in `_drain`.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from importlib import metadata
from typing import Any, Final

import gevent
from gevent.event import Event
from gevent.monkey import get_original
from gunicorn.errors import ConfigError
from gunicorn.workers.base import Worker as BaseWorker
from gunicorn.workers.ggevent import GeventWorker

from zgpt.core import clock
from zgpt.core.headers import bare_lines
from zgpt.realtime import handover_folder, memory, slow_bodies
from zgpt.realtime.lobby import Lobby
from zgpt.realtime.spread import Share, SharingServer

EXIT_MARGIN_S: Final = 2.0
"""The master kills a worker `graceful_timeout` after its SIGTERM: be gone this much earlier."""
STALL_S: Final = 30.0
"""A client that sends nothing of its request, or takes nothing of the answer, for this long is given up."""
BODIES_SHARE: Final = 4
"""A quarter of all places may be held by requests whose body is still coming; the others are there for everybody."""
COMING_S: Final = handover_folder.BOOT_S + 5.0
"""How long an exit waits for workers that are coming, and serves meanwhile: what a start may take. The master lets us:
`graceful_timeout` is for a full stop, and there whoever is coming says at once that they will not."""
BOOT_AGAIN_S: Final = 1.0
"""Between two starts that fail: what was missing may be back, and the log stays readable."""
RELOAD_S: Final = 30.0
"""A master that was asked for a successor and has not ended us by then will not do it."""
_NOTIFY_S: Final = 1.0
_LOOK_AGAIN_S: Final = 0.05


_REFUSAL: Final = b"The request could not be read.\n"


class _Protected:
    """A socket for gunicorn's own answer to what is no request: its status, our headers, and nothing of what was sent.

    gunicorn quotes what it could not read, and that may be a token in the wrong place.
    """

    def __init__(self, sock: Any, lines: bytes) -> None:
        self._sock, self._lines = sock, lines

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: bytes) -> None:
        status = data.partition(b"\r\n")[0]
        shape = b"Connection: close\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n" % len(_REFUSAL)
        self._sock.sendall(b"%s\r\n%s%s\r\n%s" % (status, shape, self._lines, _REFUSAL))


class Worker(GeventWorker):
    """`worker_class = "zgpt.realtime.worker.Worker"`.

    Unlike its parent it hears of its end at once, waits for its successors, passes the sockets on to them, and does not
    wait for idle keep-alive connections.
    """

    def __init__(self, age: int, ppid: int, *args: Any, **options: Any) -> None:
        """Called by the master, before the fork: who ends at a reload can see at once that somebody is coming."""
        super().__init__(age, ppid, *args, **options)
        self._requests = 0
        self._bodies = slow_bodies.Bodies(max(1, self.worker_connections // BODIES_SHARE))
        # Ours to act on: gunicorn would end the worker at once, whether or not anybody can take the sockets.
        self._requests_most, self.max_requests = self.max_requests, sys.maxsize
        self._told: Event | None = None
        self._retiring = False
        self._folder = handover_folder.folder_of()
        self._announced = handover_folder.announce(self._folder, ppid, age)

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what would leave WebSockets broken, at start and in words."""
        if cfg.is_ssl:
            raise ConfigError("TLS ends at the proxy: remove certfile and keyfile, and see docs/DEPLOYMENT.md.")

    def run(self) -> None:
        """Serve until told to stop, and until who is coming has come; then stop accepting, drain, and exit."""
        told = self._told = Event()
        self._lobby = Lobby(self.worker_connections, https=self._https)
        self._share = Share(self.age, self.cfg.workers, self._held, self._lobby.__len__)
        servers = [self._serve(listener) for listener in self.sockets]
        self.arrived()
        watch = memory.Watch()
        while self.alive and not told.is_set():
            self.notify()
            if self.nr >= self._requests_most or watch.is_over():
                self._retire(told)
            told.wait(_NOTIFY_S)
        self._leave()
        for server in servers:
            server.close()
        self._share.close()
        self._lobby.close()
        self._drain(clock.monotonic() + max(EXIT_MARGIN_S, self.cfg.graceful_timeout - EXIT_MARGIN_S))

    def patch(self) -> None:
        """For its plugins, gevent reads what every installed package says of itself, 25 times: once is enough."""
        asked = metadata.entry_points
        metadata.entry_points = asked().select
        try:
            super().patch()
        finally:
            metadata.entry_points = asked

    def load_wsgi(self) -> None:
        """Load the app. gunicorn ends the server when that fails: right for its first workers, and for no others."""
        get_original("_thread", "start_new_thread")(self._beat_while_loading, ())
        try:
            super().load_wsgi()
        except Exception:
            # Whatever the app raises while it is loaded.
            if self.age <= self.cfg.workers:
                raise
            self.log.exception("worker failed to boot (pid: %s)", self.pid)
            gevent.sleep(BOOT_AGAIN_S)
            sys.exit(1)

    def _beat_while_loading(self) -> None:
        """A start on a busy machine may take longer than a loop may stand still. In a thread: no loop runs yet."""
        until = clock.monotonic() + handover_folder.BOOT_S
        while self._told is None and self.alive and clock.monotonic() < until:
            BaseWorker.notify(self)
            get_original("time", "sleep")(_NOTIFY_S)

    def arrived(self) -> None:
        """It serves, or will never do so: nobody needs to wait for it. The master calls this when it has died."""
        if self._announced is not None:
            self._announced.unlink(missing_ok=True)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: wake `run`; before that, let nobody wait for this worker."""
        super().handle_exit(sig, frame)
        if self._told is None:
            self.arrived()
        else:
            self._told.set()

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """One request; counted, so that the exit knows what is still running."""
        self._requests += 1
        sock.settimeout(STALL_S)
        if self._lobby.busy:
            req.force_close()
        try:
            with self._bodies.bounded(req.unreader, sock, STALL_S):
                return super().handle_request(listener_name, req, sock, addr)
        finally:
            self._requests -= 1

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """What is no HTTP, or too large, never reaches the app: the answer carries the app's headers all the same."""
        protected: Any = _Protected(client, bare_lines(https=self._https))
        super().handle_error(req, protected, addr, exc)

    @property
    def _https(self) -> bool:
        """Whether browsers reach the app by HTTPS; known when it is loaded."""
        settings = getattr(self.wsgi, "config", {}).get("ZGPT")
        return bool(settings and settings.secure_cookies)

    def notify(self) -> None:
        """Tell the master that we live; without a master, end as if told to."""
        BaseWorker.notify(self)
        if self.ppid != os.getppid():
            self.alive = False

    def _retire(self, told: Event) -> None:
        """End of our own accord: to the siblings, or, where there are none, to a successor that the master starts."""
        if self._retiring or not handover_folder.take_turn(self._folder):
            return
        self._retiring = True
        self.log.info("worker retires (pid: %s, requests: %d)", self.pid, self.nr)
        if self.cfg.workers > 1:
            told.set()
        else:
            os.kill(self.ppid, signal.SIGHUP)
            gevent.spawn_later(RELOAD_S, told.set)

    def _serve(self, listener: Any) -> SharingServer:
        listener.setblocking(1)
        server = SharingServer(self._share, listener, partial(self.handle, listener), self._lobby.admit)
        server.start()
        return server

    def _held(self) -> int:
        from zgpt.realtime.loop import open_connections

        return open_connections() + len(self._lobby)

    def _leave(self) -> None:
        """Serve on while successors are coming: they take everything, and nobody waits for their start."""
        from zgpt.realtime import drain

        gevent.spawn(drain.leave)
        until = clock.monotonic() + COMING_S
        while handover_folder.coming(self._folder) and clock.monotonic() < until:
            self.notify()
            gevent.sleep(_LOOK_AGAIN_S)

    def _drain(self, deadline: float) -> None:
        from zgpt.realtime import drain
        from zgpt.realtime.loop import open_connections

        job = gevent.spawn(drain.drain)
        while not job.ready() or self._requests or open_connections():
            if clock.monotonic() >= deadline:
                self.log.warning("exit with %d sockets and %d requests open", open_connections(), self._requests)
                return
            self.notify()
            gevent.sleep(_LOOK_AGAIN_S)
