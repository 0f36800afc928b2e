"""Who looks at what in this process, and when their frames are written; knows no commands and no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from zgpt.core import metrics
from zgpt.realtime import close_codes
from zgpt.realtime.flush import FlushClock
from zgpt.realtime.live import Cursor, FrameWriter, LiveRun, RunHead
from zgpt.realtime.protocol import RunCompleted

T = TypeVar("T")

ENDED_RUN_KEPT_S = 10.0
"""An ended run stays this long, for a viewer who read the database just before the end and joins just after it."""
HELD_EVENTS = 256
"""Events kept back while a session is being opened; a viewer with more than these is sent to open it again."""

FOREIGN = {"text": (-1, 0)}
"""The hold of a viewer who may show text of an epoch that died with its process: it is told to reset."""

_ENDED_WORDS = "This sign-in has ended."
_CHANGED_WORDS = "Your account was changed. Come back."

Holds = Mapping[str, Mapping[str, tuple[int, int]]]
"""run id → part → (epoch, offset): what a returning viewer has already."""


class Link(FrameWriter, Protocol):
    """What the hub needs of a connection (see connection.py)."""

    def offer(self, payload: bytes) -> bool: ...

    def close(self, code: int, reason: str = "") -> None: ...


class Member:
    """A connection that has said hello: whose it is, and the sessions that it has open."""

    __slots__ = ("link", "login_id", "opening", "user_id", "viewers")

    def __init__(self, link: Link, user_id: str, login_id: str) -> None:
        self.link = link
        self.user_id = user_id
        self.login_id = login_id
        self.viewers: dict[str, Viewer] = {}
        self.opening: Viewer | None = None

    def offer(self, payload: bytes) -> None:
        """An event of the user: behind the session that is being opened, if one is, for it may speak of it."""
        (self.opening or self.link).offer(payload)


class Viewer:
    """One member's view of one session. While `held` is a list, events wait in it for the answer to go first."""

    __slots__ = ("cursors", "held", "link")

    def __init__(self, link: Link) -> None:
        self.link = link
        self.held: list[bytes] | None = []
        self.cursors: dict[str, Cursor] = {}

    def offer(self, payload: bytes) -> None:
        if self.held is None:
            self.link.offer(payload)
        elif len(self.held) < HELD_EVENTS:
            self.held.append(payload)
        else:
            self.link.close(close_codes.RESYNC, "Too much happened while the session was being opened.")


class Hub:
    """The sink of this process's broker. Every method runs on the event loop and returns without waiting."""

    def __init__(self, flush_clock: FlushClock) -> None:
        self._clock = flush_clock
        self._members: dict[str, set[Member]] = {}
        self._expected: dict[str, set[Member]] = {}
        self._viewers: dict[str, set[Viewer]] = {}
        self._runs: dict[str, LiveRun] = {}
        self._runs_of: dict[str, set[str]] = {}
        self.on_stop: Callable[[str], None] = _nothing

    # Members and viewers

    def expect(self, member: Member) -> None:
        """Let it hear of the end of its login, and keep its events back, while its login is looked at: then `join`.

        Or `leave`: then it was told nothing. It is not counted before it has joined.
        """
        member.opening = Viewer(member.link)
        for index in (self._members, self._expected):
            index.setdefault(member.user_id, set()).add(member)

    def join(self, member: Member) -> None:
        """Its login is good. What was kept back since it was expected is sent."""
        self._members.setdefault(member.user_id, set()).add(member)
        _discard(self._expected, member.user_id, member)
        kept, member.opening = member.opening, None
        for payload in (kept.held or ()) if kept else ():
            member.link.offer(payload)

    def leave(self, member: Member) -> None:
        for session_id in list(member.viewers):
            self.close_session(member, session_id)
        for index in (self._members, self._expected):
            _discard(index, member.user_id, member)

    def hold(self, member: Member, session_id: str) -> None:
        """Begin to view a session, with its events kept back until `release`.

        Between the two stands a read of the database: no event before or after it may be missed.
        """
        self.close_session(member, session_id)
        viewer = member.opening = member.viewers[session_id] = Viewer(member.link)
        self._viewers.setdefault(session_id, set()).add(viewer)
        metrics.VIEWERS.inc()

    def release(
        self, member: Member, session_id: str, revision: int, holds: Holds, ended: Iterable[LiveRun] = ()
    ) -> None:
        """Send what was kept back, then the rest of each live part after what the viewer holds.

        A run that has ended is joined too if its end is newer than `revision`, the state that was read, or if it is
        among `ended`: those whose end the viewer, who comes from another process, has not been told.
        """
        viewer = member.viewers.get(session_id)
        if viewer is None:
            return
        self._opened(member, viewer)
        held, viewer.held = viewer.held or [], None
        for payload in held:
            viewer.link.offer(payload)
        for run_id in sorted(self._runs_of.get(session_id, ())):
            run = self._runs[run_id]
            if run.end is None or run.end.revision > revision:
                self._look(viewer, run, holds.get(run_id, {}))
        for run in ended:
            if run.head.run_id not in viewer.cursors:
                self._look(viewer, run, holds.get(run.head.run_id, {}))

    def close_session(self, member: Member, session_id: str) -> None:
        viewer = member.viewers.pop(session_id, None)
        if viewer is None:
            return
        self._opened(member, viewer)
        metrics.VIEWERS.dec()
        _discard(self._viewers, session_id, viewer)
        for cursor in viewer.cursors.values():
            cursor.run.discard(cursor)

    def drained(self, member: Member) -> None:
        """The member's connection takes frames again: bring its cursors to the end."""
        for viewer in list(member.viewers.values()):
            for cursor in list(viewer.cursors.values()):
                cursor.run.catch_up(cursor)

    def connections_of(self, user_id: str) -> int:
        """How many connections of this process have said hello as this user."""
        return len(self._members.get(user_id, ())) - len(self._expected.get(user_id, ()))

    def live_run(self, run_id: str) -> LiveRun | None:
        return self._runs.get(run_id)

    def has_viewers(self, session_id: str) -> bool:
        return session_id in self._viewers

    def audience(self) -> list[tuple[str, tuple[set[str], set[str]]]]:
        """Who is connected: user, and the logins and open sessions of that user's connections."""
        return [
            (user_id, ({one.login_id for one in members}, {name for one in members for name in one.viewers}))
            for user_id, members in self._members.items()
        ]

    # What the broker brings

    def run_opened(self, head: RunHead, kept: Mapping[str, bytes]) -> None:
        run = self._runs.get(head.run_id)
        if run is not None:
            if head.epoch > run.head.epoch:
                run.restart(head, kept)
                run.advance_all()
            return
        run = self._runs[head.run_id] = LiveRun(head, kept)
        self._runs_of.setdefault(head.session_id, set()).add(head.run_id)
        for viewer in self._viewers.get(head.session_id, ()):
            if viewer.held is None:
                self._look(viewer, run, {} if head.epoch == 1 else FOREIGN)

    def text_appended(self, run_id: str, epoch: int, part: str, at: int, data: bytes) -> None:
        run = self._runs.get(run_id)
        if run is not None and run.append(epoch, part, at, data) and not run.dirty:
            self._clock.mark(run)

    def run_ended(self, run_id: str, epoch: int, end: RunCompleted) -> None:
        run = self._runs.get(run_id)
        if run is None or run.end is not None or run.head.epoch != epoch:
            return
        run.finish(end)
        run.flush()
        self._clock.later(ENDED_RUN_KEPT_S, self._forget, run)

    def run_dropped(self, run_id: str, epoch: int) -> None:
        run = self._runs.get(run_id)
        if run is not None and run.head.epoch == epoch:
            run.drop()
            self._forget(run)

    def event_published(self, user_id: str, session_id: str | None, payload: bytes) -> None:
        if session_id is None:
            for member in tuple(self._members.get(user_id, ())):
                member.offer(payload)
            return
        for viewer in tuple(self._viewers.get(session_id, ())):
            viewer.offer(payload)

    def login_revoked(self, user_id: str, login_id: str | None, code: int) -> None:
        for member in tuple(self._members.get(user_id, ())):
            if login_id is None or member.login_id == login_id:
                member.link.close(code, _ENDED_WORDS if close_codes.is_final(code) else _CHANGED_WORDS)

    def stop_requested(self, run_id: str) -> None:
        self.on_stop(run_id)

    # Runs and cursors

    def _opened(self, member: Member, viewer: Viewer) -> None:
        if member.opening is viewer:
            member.opening = None

    def _look(self, viewer: Viewer, run: LiveRun, holds: Mapping[str, tuple[int, int]]) -> None:
        cursor = run.add_cursor(viewer.link, holds)
        viewer.cursors[run.head.run_id] = cursor
        run.advance(cursor)

    def _forget(self, run: LiveRun) -> None:
        if run.is_viewed:
            # A slow viewer has not got the end yet; it keeps the run until it has, or until its connection stalls.
            self._clock.later(ENDED_RUN_KEPT_S, self._forget, run)
            return
        run_id, session_id = run.head.run_id, run.head.session_id
        self._runs.pop(run_id, None)
        _discard(self._runs_of, session_id, run_id)
        for viewer in self._viewers.get(session_id, ()):
            viewer.cursors.pop(run_id, None)


def _discard(index: dict[str, set[T]], key: str, value: T) -> None:
    members = index.get(key)
    if members is None:
        return
    members.discard(value)
    if not members:
        del index[key]


def _nothing(run_id: str) -> None:
    """No runner listens (yet)."""
