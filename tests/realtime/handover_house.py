"""Processes that pass sockets on, and take them, all played by one; the unix sockets between them are real."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent

from tests.realtime.lines import Line, Recorder, still_engine
from zgpt.realtime import descriptor
from zgpt.realtime.handover import Arrival, Receiver
from zgpt.realtime.handover_leave import Successor, pass_on, successors
from zgpt.realtime.handover_record import VERSION, Message, Status
from zgpt.realtime.handover_wire import Wire, listen
from zgpt.realtime.loop import Engine


class House:
    """A process that takes sockets over, as another one finds it in the folder."""

    def __init__(self, folder: Path, number: int, **limits: Any) -> None:
        self.engine: Engine = still_engine(**limits)
        self.arrived: list[Arrival] = []
        self.released = 0
        self.told = Recorder()
        self.receiver = Receiver(f"process-{number}", self.engine, self._take, self._release)
        self.receiver.start(folder)
        own = self.receiver._path
        assert own is not None
        # The process that leaves is this one too: it would not look at a socket of its own name.
        self.path = own.rename(own.with_name(own.name.replace(str(os.getpid()), str(number))))
        self.receiver._path = self.path

    def _take(self, arrivals: list[Arrival]) -> None:
        self.arrived += arrivals
        for connection, _ in arrivals:
            connection.attach(self.told)
            connection.go_on()
            connection.read_on()

    @property
    def last(self) -> Successor:
        """This process as one that is chosen when no other is left."""
        return Successor(self.path, Status(VERSION, self.receiver.process_id, 0, 0, leaving=False), 10)

    def _release(self) -> None:
        self.released += 1

    def close(self) -> None:
        self.receiver.stop()
        self.receiver.stop()
        for connection, _ in self.arrived:
            connection.let_go()


MakeHouse = Callable[..., House]


class Broken:
    """A process that does not keep to the rules: it answers with what it was given, then hangs up."""

    def __init__(self, folder: Path, *answers: Message) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / "broken.sock"
        self._listener = listen(self.path)
        self._answers = answers
        self._greenlet = gevent.spawn(self._serve)

    @property
    def successor(self) -> Successor:
        return Successor(self.path, Status(VERSION, "broken", 0, 0, leaving=False), 0)

    def _serve(self) -> None:
        for answer in self._answers:
            with Wire(self._listener.accept()[0], 2.0) as wire:
                for fd in wire.hear()[1]:
                    descriptor.close(fd)
                wire.say(answer)

    def close(self) -> None:
        self._greenlet.kill()
        self._listener.close()


def leave(folder: Path, lines: list[Line], started_ms: int = 0) -> int:
    chosen = successors(folder, started_ms)
    return pass_on([line.conn for line in lines], chosen, lambda conn: conn.id.encode())


def close_all(lines: list[Line]) -> None:
    """What the process that ends does with those that nobody took."""
    for line in lines:
        line.conn.read_on()
        line.conn.close(1012)
