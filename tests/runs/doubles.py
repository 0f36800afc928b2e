"""Runs without a database: a broker that remembers, and an active run on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gevent.event import Event

from tests.support.delivery import head
from zgpt.realtime.broker import MemoryBroker
from zgpt.realtime.live import RunHead
from zgpt.realtime.protocol import RunCompleted
from zgpt.runs.active import ActiveRun, Deadlines


class Log:
    """A sink that keeps what it was told."""

    def __init__(self) -> None:
        self.appended: list[tuple[str, int, bytes]] = []
        self.told: list[tuple[Any, ...]] = []

    def run_opened(self, head: RunHead, kept: Mapping[str, bytes]) -> None:
        self.told.append(("opened", head.epoch, dict(kept)))

    def text_appended(self, run_id: str, epoch: int, part: str, at: int, data: bytes) -> None:
        self.appended.append((part, at, data))

    def run_ended(self, run_id: str, epoch: int, end: RunCompleted) -> None:
        self.told.append(("ended", epoch, end))

    def run_dropped(self, run_id: str, epoch: int) -> None:
        self.told.append(("dropped", epoch))

    def event_published(self, user_id: str, session_id: str | None, payload: bytes) -> None:
        self.told.append(("event", payload))

    def login_revoked(self, user_id: str, login_id: str | None, code: int) -> None:
        raise AssertionError

    def stop_requested(self, run_id: str) -> None:
        self.told.append(("stop", run_id))


def active_run(log: Log | None = None, urgent: Event | None = None, **kept: bytes) -> ActiveRun:
    """A run of epoch 1 that has just begun."""
    broker = MemoryBroker()
    broker.attach(log or Log())
    return ActiveRun(head(), kept, broker, urgent or Event())


def deadlines(first_token_s: float = 5, idle_s: float = 5, total_s: float = 5) -> Deadlines:
    """Long ones, where nothing else is said."""
    return Deadlines(first_token_s, idle_s, total_s)
