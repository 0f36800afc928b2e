"""How chat connections leave a process that ends: who can be passed on is, the others are told to come back.

What a connection takes along is in `handover`, the order of an exit in `zgpt.app`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from zgpt.core import clock
from zgpt.gateway.handover import Handover
from zgpt.realtime import handover_leave
from zgpt.realtime.connection import Connection
from zgpt.realtime.handover import Receiver
from zgpt.realtime.handover_folder import folder_of
from zgpt.realtime.handover_leave import Successor
from zgpt.runs.setup import stop_taking_runs, take_released_runs

if TYPE_CHECKING:
    from flask import Flask

    from zgpt.core.config import Settings

log = structlog.get_logger(__name__)


class Departure:
    """The exit of one process, and its readiness for the exits of others. Call `leave`, `quiet`, `pass_on`, `close`."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        realtime, gateway = app.extensions["realtime"], app.extensions["gateway"]
        with app.app_context():
            self._engine = app.extensions["sock"].engine
        self._app = app
        self._folder = folder_of(settings.instance_dir)
        self._handover = Handover(app, gateway, realtime, settings.max_connections_per_user)
        released = partial(take_released_runs, app)
        self._receiver = Receiver(realtime.broker.process_id, self._engine, self._handover.arrive, released)
        self._chosen: list[Successor] = []
        self._quiet: list[Connection] = []

    def start(self) -> None:
        """Take sockets of others from now on."""
        self._receiver.start(self._folder)

    def leave(self) -> None:
        """This process will end soon: it takes nothing from others any more, and goes on for its own until then."""
        self._receiver.leave()
        stop_taking_runs(self._app)

    def quiet(self) -> None:
        """Who takes over? If somebody does, take no more commands, and wait for those at work."""
        self._chosen = handover_leave.successors(self._folder, self._receiver.started_ms)
        if self._chosen:
            chats = [one for one in self._engine.connections if isinstance(one, Connection)]
            self._quiet = self._handover.quiet(chats)

    def pass_on(self) -> None:
        """The runs of this process have been let go: pass them and the connections on."""
        if not self._chosen:
            return
        began_s = clock.monotonic()
        handover_leave.tell_released(self._chosen, self._receiver.process_id)
        moved = handover_leave.pass_on(self._quiet, self._chosen, self._handover.freeze)
        took_s = round(clock.monotonic() - began_s, 3)
        log.info("connections_passed", connections=moved, left=len(self._engine.connections), took_s=took_s)

    def close(self) -> None:
        """Nobody finds this process any more."""
        self._receiver.stop()
