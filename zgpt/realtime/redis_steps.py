"""What this process says to Redis, one class per thing: the command, and what is done here when it was taken or not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from zgpt.core import clock
from zgpt.realtime import bus, redis_log
from zgpt.realtime.redis_link import Command, Reply

if TYPE_CHECKING:
    from zgpt.realtime.broker import Sink
    from zgpt.realtime.live import RunHead
    from zgpt.realtime.protocol import RunCompleted

log = structlog.get_logger(__name__)


class OwnRun:
    """A run that this process writes. `logged`: Redis holds all of it; `lost`: another process writes it now."""

    __slots__ = ("head", "logged", "lost", "on_refused", "opened_s", "origin")

    def __init__(self, head: RunHead, origin: str, on_refused: Callable[[OwnRun, Reply], None]) -> None:
        self.head = head
        self.origin = origin
        self.on_refused = on_refused
        self.logged = True
        self.lost = False
        self.opened_s = 0.0


class Say:
    """A message without a log: who misses it notices by its revision. It was delivered here at once."""

    __slots__ = ("_channel", "_message", "keep")

    def __init__(self, channel: str, message: bytes, *, keep: bool) -> None:
        self._channel = channel
        self._message = message
        self.keep = keep

    def command(self) -> Command:
        return ("PUBLISH", self._channel, self._message)

    def done(self, reply: Reply) -> bool:
        return True

    def unlogged(self) -> None:
        """It is kept for later, or not."""


class RunStep(ABC):
    """A step of one run; each of them ends in a delivery to the sink, or in the loss of the run."""

    __slots__ = ("own", "sink")
    keep = False

    def __init__(self, own: OwnRun, sink: Sink) -> None:
        self.own = own
        self.sink = sink

    @abstractmethod
    def deliver(self) -> None:
        """Give it to the sink."""

    def done(self, reply: Reply) -> bool:
        if reply == redis_log.WRITTEN:
            self.unlogged()
        elif reply == redis_log.FENCED:
            self.own.on_refused(self.own, reply)
        else:
            self.own.on_refused(self.own, reply)
            return False
        return True

    def unlogged(self) -> None:
        if not self.own.lost:
            self.deliver()


class Open(RunStep):
    """Begin an epoch with its kept text."""

    __slots__ = ("kept",)

    def __init__(self, own: OwnRun, sink: Sink, kept: redis_log.Texts) -> None:
        super().__init__(own, sink)
        self.kept = kept

    def command(self) -> Command | None:
        own = self.own
        if own.lost:
            return None
        own.opened_s = clock.monotonic()
        message = bus.encode(bus.RunOpened(own.origin, own.head, sum(map(len, self.kept.values()))))
        return redis_log.open_command(own.head, self.kept, message)

    def deliver(self) -> None:
        self.sink.run_opened(self.own.head, self.kept)


class Reopen(Open):
    """Write the whole text again in the same epoch: it is the same text, so a repeated write is harmless."""

    __slots__ = ()

    def deliver(self) -> None:
        """Everybody here has it."""


class Append(RunStep):
    """Text of one part. More may be added until it is sent."""

    __slots__ = ("at", "data", "part")

    def __init__(self, own: OwnRun, sink: Sink, part: str, at: int, data: bytes) -> None:
        super().__init__(own, sink)
        self.part = part
        self.at = at
        self.data = data

    def command(self) -> Command | None:
        own = self.own
        if own.lost or not own.logged:
            return None
        message = bus.encode(bus.TextAppended(own.origin, own.head, self.part, self.at, self.data))
        return redis_log.append_command(own.head, self.part, self.at, self.data, message)

    def deliver(self) -> None:
        head = self.own.head
        self.sink.text_appended(head.run_id, head.epoch, self.part, self.at, self.data)


class End(RunStep):
    """The run has ended, in the database too. Said again after a fault: the others must hear of it."""

    __slots__ = ("_end", "_told")
    keep = True

    def __init__(self, own: OwnRun, sink: Sink, end: RunCompleted) -> None:
        super().__init__(own, sink)
        self._end = end
        self._told = False

    def command(self) -> Command | None:
        message = bus.RunEnded(self.own.origin, self.own.head, self._end)
        return redis_log.end_command(self.own.head, bus.encode(message))

    def deliver(self) -> None:
        if not self._told:
            self._told = True
            self.sink.run_ended(self.own.head.run_id, self.own.head.epoch, self._end)


class Drop(RunStep):
    """The run's message is gone."""

    __slots__ = ()
    keep = True

    def command(self) -> Command | None:
        head = self.own.head
        return redis_log.end_command(head, bus.encode(bus.RunDropped(self.own.origin, head.run_id, head.epoch)))

    def deliver(self) -> None:
        self.sink.run_dropped(self.own.head.run_id, self.own.head.epoch)
