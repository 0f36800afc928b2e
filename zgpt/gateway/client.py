"""What the gateway knows of one connection: who it is, what it asked and may still ask; no sockets, no database."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from zgpt.core import clock
from zgpt.realtime.hub import Member
from zgpt.realtime.protocol import AnyCommand

if TYPE_CHECKING:
    from zgpt.realtime.connection import Connection

COMMANDS_PER_S = 20.0
COMMANDS_AT_ONCE = 60
"""A person opens, sends and stops a few times a minute; a client that comes back with many sessions needs a burst."""
QUEUED_COMMANDS = 64
"""Commands that wait while an earlier one of the same connection is at work: a burst, and no more."""
REFUSALS_BEFORE_CLOSE = 1_000
"""A client that ignores a thousand refusals without ever pausing is broken or hostile, and reading it costs all."""


class Client:
    """The gateway's state of one connection."""

    __slots__ = (
        "_counted_s",
        "allowance",
        "connection",
        "due_s",
        "member",
        "queue",
        "queued",
        "refusals",
        "scopes",
        "stranger",
        "warned",
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.member: Member | None = None
        self.scopes: frozenset[str] | None = None
        self.queue: deque[AnyCommand] | None = None
        self.queued = False
        self.due_s = 0
        self.warned = False
        self.stranger = True
        self.refusals = 0
        self.allowance = float(COMMANDS_AT_ONCE)
        self._counted_s = clock.monotonic()

    def spend(self) -> float:
        """Take one command from the allowance; 0, or the seconds until there is one again."""
        now_s = clock.monotonic()
        earned = (now_s - self._counted_s) * COMMANDS_PER_S
        self.allowance = min(COMMANDS_AT_ONCE, self.allowance + earned)
        self._counted_s = now_s
        if self.allowance == COMMANDS_AT_ONCE:
            self.refusals = 0
        if self.allowance < 1:
            self.refusals += 1
            return (1 - self.allowance) / COMMANDS_PER_S
        self.allowance -= 1
        return 0.0

    def push(self, command: AnyCommand) -> bool:
        """Queue a command; False when too many wait already."""
        if self.queue is None:
            self.queue = deque()
        if len(self.queue) >= QUEUED_COMMANDS:
            return False
        self.queue.append(command)
        return True
