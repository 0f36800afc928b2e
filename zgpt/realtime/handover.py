"""Takes over the open sockets of processes of the same instance that end. Passing them on is in `handover_leave`.

A socket is passed in three steps, so that never two processes write to it: the one that ends stops writing and sends it
(Batch), this one says whether it will take it (Taken), and only with the word of the other (Go) it begins. Whoever dies
or doubts in between costs a connection, whose client comes back; it cannot cost a byte that is written twice.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from gevent import socket
from gevent.server import StreamServer

from zgpt.core import clock, metrics
from zgpt.realtime import descriptor, handover_folder
from zgpt.realtime.connection import Connection
from zgpt.realtime.handover_record import (
    VERSION,
    Ask,
    Batch,
    Done,
    Go,
    Parcel,
    RecordError,
    Released,
    Status,
    Taken,
    decode_record,
)
from zgpt.realtime.handover_wire import Wire, WireError, listen
from zgpt.realtime.loop import Engine

STEP_S: Final = 5.0
"""A process that does not go on with a handover for so long is dead, or stands still."""

log = structlog.get_logger(__name__)
Arrival = tuple[Connection, bytes]
"""A connection at rest, and what its handler in the other process said of it."""


class Receiver:
    """Listens on a unix socket in the instance's folder. `arrived` gets connections that are ours, and may wait.

    `released` is called when another process has let go of its runs.
    """

    def __init__(
        self, process_id: str, engine: Engine, arrived: Callable[[list[Arrival]], None], released: Callable[[], None]
    ) -> None:
        self.process_id = process_id
        self.started_ms = clock.now_ms()
        self.leaving = False
        self._engine = engine
        self._arrived = arrived
        self._released = released
        self._server: StreamServer | None = None
        self._path: Path | None = None

    def start(self, folder: Path) -> None:
        """Where no such socket can be had, clients are told to come back instead: a line in the log says why."""
        try:
            handover_folder.make(folder)
            path = handover_folder.socket_path(folder)
            listener = listen(path)
        except OSError as fault:
            log.warning("handover_off", reason=str(fault))
            return
        listener.setblocking(False)
        self._path = path
        self._server = StreamServer(listener, self._serve)
        self._server.start()

    def leave(self) -> None:
        """This process is told to end: take nothing any more, and say so."""
        self.leaving = True

    def stop(self) -> None:
        """Nobody finds us any more."""
        if self._server is not None and self._path is not None:
            self._path.unlink(missing_ok=True)
            self._server.close()
            self._server = None

    def _serve(self, sock: socket.socket, _address: object) -> None:
        try:
            with Wire(sock, STEP_S) as wire:
                while True:
                    self._answer(wire)
        except WireError as fault:
            log.debug("handover_ended", reason=str(fault))

    def _answer(self, wire: Wire) -> None:
        message, fds = wire.hear()
        match message:
            case Ask():
                wire.say(self._status())
            case Released(process_id=process_id):
                log.info("runs_released", process_id=process_id)
                self._released()
                wire.say(Done())
            case Batch(records=records) if len(records) == len(fds):
                self._take(wire, records, fds)
            case _:
                for fd in fds:
                    descriptor.close(fd)
                raise WireError(f"said out of turn: {type(message).__name__}")

    def _status(self) -> Status:
        return Status(VERSION, self.process_id, self.started_ms, len(self._engine.connections), self.leaving)

    def _take(self, wire: Wire, records: list[bytes], fds: list[int]) -> None:
        adopted = [self._adopt(record, fd) for record, fd in zip(records, fds, strict=True)]
        arrivals = [arrival for arrival in adopted if arrival is not None]
        try:
            _await_go(wire, Taken([arrival is not None for arrival in adopted]))
        except WireError:
            for connection, _ in arrivals:
                connection.let_go()
            metrics.HANDOVERS.labels("not_given").inc(len(arrivals))
            raise
        metrics.HANDOVERS.labels("taken").inc(len(arrivals))
        log.info("connections_taken", connections=len(arrivals), refused=len(records) - len(arrivals))
        self._welcome(arrivals)

    def _welcome(self, arrivals: list[Arrival]) -> None:
        try:
            self._arrived(arrivals)
        except Exception:
            # Those that are still at rest would stay so for good: nobody else knows that they are here.
            log.exception("arrivals_failed", connections=len(arrivals))
            for connection, _ in arrivals:
                if connection.is_at_rest:
                    connection.let_go()

    def _adopt(self, record: bytes, fd: int) -> Arrival | None:
        """None for what cannot be read or has no room here; its descriptor is closed then, the socket is not."""
        engine = self._engine
        try:
            parcel = decode_record(record, Parcel)
        except RecordError as fault:
            log.warning("record_refused", reason=str(fault))
        else:
            if not self.leaving and not engine.full and engine.has_room_for(parcel.network):
                return Connection.adopt(engine, fd, parcel), parcel.state
        descriptor.close(fd)
        return None


def _await_go(wire: Wire, taken: Taken) -> None:
    answer = wire.ask(taken)
    if not isinstance(answer, Go):
        raise WireError(f"Go was not said, but {type(answer).__name__}")
