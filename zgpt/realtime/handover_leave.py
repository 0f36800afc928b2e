"""Passes the open sockets of a process that ends on to those that stay: who they are, and how many each one gets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gevent
import structlog

from zgpt.core import metrics
from zgpt.realtime import handover_folder
from zgpt.realtime.connection import Connection
from zgpt.realtime.handover_record import VERSION, Ask, Batch, Done, Go, Released, Status, Taken, encode_record
from zgpt.realtime.handover_wire import Wire, WireError, connect

STEP_S: Final = 3.0
"""Below the receiver's patience: who gives up first is the one that still writes."""
AT_ONCE: Final = 64
"""Sockets of one batch: few enough to be spread evenly, many enough that a batch's round trip does not count."""
NEWER_MS: Final = 3_000
"""The workers of one start come within three seconds; who came later than that belongs to a newer generation."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Successor:
    """A process that may take sockets, and how many it will have."""

    path: Path
    status: Status
    connections: int


@dataclass(slots=True, eq=False)
class Leaver:
    """A connection that has to go, and its handler's state of it once it has been frozen."""

    connection: Connection
    state: bytes | None = None

    @property
    def can_go(self) -> bool:
        """Whether it is still there: one that came back from a process that failed may have closed meanwhile."""
        return self.connection.is_movable if self.state is None else not self.connection.closed


def living(folder: Path) -> list[Successor]:
    """The other processes of this instance on this machine that answer. Waits, but not long."""
    asked = [gevent.spawn(_ask, path) for path in handover_folder.sockets(folder)]
    gevent.joinall(asked)
    return [one.value for one in asked if one.value is not None]


def successors(folder: Path, started_ms: int) -> list[Successor]:
    """Those that may take sockets of a process that began at `started_ms`: of a newer generation, if there is one."""
    staying = [one for one in living(folder) if not one.status.leaving and _is_understood(one)]
    newer = [one for one in staying if one.status.started_ms > started_ms + NEWER_MS]
    return newer or staying


def tell_released(chosen: Iterable[Successor], process_id: str) -> None:
    """Have one of them take up the runs of this process; returns when it has."""
    for successor in chosen:
        try:
            with connect(successor.path, STEP_S) as wire:
                if isinstance(wire.ask(Released(process_id)), Done):
                    return
        except WireError as fault:
            log.info("runs_not_passed", reason=str(fault))


def pass_on(connections: Iterable[Connection], chosen: list[Successor], freeze: Callable[[Connection], bytes]) -> int:
    """Pass each connection to the successor with the fewest; returns how many went.

    `freeze` takes a connection out of what its handler shares, and returns what that knows of it. A connection that
    nobody took can be written to again, but belongs to nothing here any more: `read_on` and close it.
    """
    waiting = deque(Leaver(connection) for connection in connections)
    moved = 0
    while waiting and chosen:
        successor = min(chosen, key=lambda one: one.connections)
        batch = [waiting.popleft() for _ in range(min(AT_ONCE, len(waiting)))]
        try:
            went = _pass_batch(successor, batch, freeze)
        except WireError as fault:
            log.warning("handover_failed", reason=str(fault), connections=len(batch))
            chosen.remove(successor)
            waiting.extend(batch)
            continue
        successor.connections += went
        moved += went
    return moved


def _pass_batch(successor: Successor, batch: list[Leaver], freeze: Callable[[Connection], bytes]) -> int:
    with connect(successor.path, STEP_S) as wire:
        frozen = [(one.connection, _record_of(one, freeze)) for one in batch if one.can_go]
        try:
            taken = _offer(wire, frozen)
            wire.say(Go())
        except WireError:
            # Go was not said, or only in part: the other side writes nothing.
            for connection, _ in frozen:
                connection.go_on()
            raise
    for (connection, _), gone in zip(frozen, taken, strict=True):
        (connection.let_go if gone else connection.go_on)()
    went = sum(taken)
    metrics.HANDOVERS.labels("passed").inc(went)
    metrics.HANDOVERS.labels("refused").inc(len(taken) - went)
    return went


def _offer(wire: Wire, frozen: list[tuple[Connection, bytes]]) -> list[bool]:
    answer = wire.ask(Batch([record for _, record in frozen]), [connection.fd for connection, _ in frozen])
    if not isinstance(answer, Taken) or len(answer.taken) != len(frozen):
        raise WireError("it did not say what it takes")
    return answer.taken


def _record_of(leaver: Leaver, freeze: Callable[[Connection], bytes]) -> bytes:
    if leaver.state is None:
        leaver.state = freeze(leaver.connection)
    return encode_record(leaver.connection.freeze(leaver.state))


def _ask(path: Path) -> Successor | None:
    try:
        with connect(path, STEP_S) as wire:
            status = wire.ask(Ask())
    except WireError:
        return None
    return Successor(path, status, status.connections) if isinstance(status, Status) else None


def _is_understood(one: Successor) -> bool:
    if one.status.version == VERSION:
        return True
    log.warning("handover_refused", reason=f"that process speaks version {one.status.version}, this one {VERSION}")
    return False
