"""How events and run text travel between the processes of one Z-GPT: the interface, and the broker of a single process.

A broker promises: what `append` was given is in the log before any sink sees it, in order, once per process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from zgpt.core import ids
from zgpt.realtime.live import RunHead
from zgpt.realtime.protocol import Event, RunCompleted, encode_event


class Sink(Protocol):
    """Who takes in, in each process, what a broker carries: the hub. Nothing here may block."""

    def run_opened(self, head: RunHead, kept: Mapping[str, bytes]) -> None: ...

    def text_appended(self, run_id: str, epoch: int, part: str, at: int, data: bytes) -> None: ...

    def run_ended(self, run_id: str, epoch: int, end: RunCompleted) -> None: ...

    def run_dropped(self, run_id: str, epoch: int) -> None: ...

    def event_published(self, user_id: str, session_id: str | None, payload: bytes) -> None: ...

    def login_revoked(self, user_id: str, login_id: str | None, code: int) -> None: ...

    def stop_requested(self, run_id: str) -> None: ...


class Broker(Protocol):
    """One implementation per way of reaching the other processes; one contract suite for all."""

    process_id: str
    """Who this process is to the others: the owner of the runs that it writes."""

    def attach(self, sink: Sink) -> None:
        """Deliver to `sink` from now on. One sink per process."""

    def open_run(self, head: RunHead, kept: Mapping[str, bytes]) -> None:
        """Begin an epoch of a run, at offset 0, with the text that is kept from the epoch before."""

    def append(self, run_id: str, epoch: int, part: str, at: int, data: bytes) -> None:
        """Add whole UTF-8 characters at offset `at` of a part. Of another epoch than the open one: dropped."""

    def end_run(self, run_id: str, epoch: int, end: RunCompleted) -> None:
        """Tell every process, after the last append, that the run has ended. Only after the commit."""

    def drop_run(self, run_id: str, epoch: int) -> None:
        """Forget a run whose message is gone: nobody can look at it any more."""

    def prepare(self, heads: Iterable[RunHead]) -> None:
        """Have the text of these live runs in this process, before a viewer joins them; may wait."""

    def publish(self, user_id: str, session_id: str | None, event: Event) -> None:
        """To all connections of the user, or with a session to its viewers. Only after the commit."""

    def revoke(self, user_id: str, login_id: str | None, code: int) -> None:
        """Close this login's sockets, or all of the user's, in every process, with this close code."""

    def request_stop(self, run_id: str) -> None:
        """Ask the owner of the run, wherever it is, to stop it. Asking twice, or too late, is harmless."""


class MemoryBroker:
    """One process: the log is the hub's own buffer, so an append is acknowledged the moment it returns."""

    __slots__ = ("_sink", "process_id")

    _sink: Sink

    def __init__(self) -> None:
        self.process_id = ids.new_id()

    def attach(self, sink: Sink) -> None:
        self._sink = sink

    def open_run(self, head: RunHead, kept: Mapping[str, bytes]) -> None:
        self._sink.run_opened(head, kept)

    def append(self, run_id: str, epoch: int, part: str, at: int, data: bytes) -> None:
        self._sink.text_appended(run_id, epoch, part, at, data)

    def end_run(self, run_id: str, epoch: int, end: RunCompleted) -> None:
        self._sink.run_ended(run_id, epoch, end)

    def drop_run(self, run_id: str, epoch: int) -> None:
        self._sink.run_dropped(run_id, epoch)

    def prepare(self, heads: Iterable[RunHead]) -> None:
        """All text of this process's runs is here already."""

    def publish(self, user_id: str, session_id: str | None, event: Event) -> None:
        self._sink.event_published(user_id, session_id, encode_event(event))

    def revoke(self, user_id: str, login_id: str | None, code: int) -> None:
        self._sink.login_revoked(user_id, login_id, code)

    def request_stop(self, run_id: str) -> None:
        self._sink.stop_requested(run_id)
