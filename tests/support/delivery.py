"""Viewers without sockets: a connection that remembers its frames, and a flush clock that a test winds by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.transcript import Transcript
from tests.support.ws_frames import FrameReader
from zgpt.realtime.flush import FlushClock
from zgpt.realtime.hub import Hub, Member
from zgpt.realtime.live import LiveRun, RunHead
from zgpt.realtime.protocol import RunCompleted

USER, SESSION, RUN, MESSAGE = (f"0190b3a4-0000-7000-8000-{n:012d}" for n in range(4))

EVERY_REVISION = 2**31


class Link:
    """A connection as the hub sees it. `room` frames fit before it blocks; `drain` makes it writable again."""

    def __init__(self, room: int | None = None) -> None:
        self.frames: list[bytes] = []
        self.offered: list[bytes] = []
        self.blocked = False
        self.closed_with: int | None = None
        self._room = room
        self._waiting: list[bytes] = []
        self._reader = FrameReader()
        self.seen: list[dict[str, Any]] = []

    def send_frame(self, frame: bytes) -> bool:
        assert not self.blocked, "a frame for a blocked connection"
        self.frames.append(frame)
        self._take(frame)
        if self._room is not None:
            self._room -= 1
            self.blocked = self._room <= 0
        return not self.blocked

    def offer(self, payload: bytes) -> bool:
        self.offered.append(payload)
        (self._waiting.append if self.blocked else self._show)(payload)
        return True

    def close(self, code: int, reason: str = "") -> None:
        self.closed_with = code

    def block(self) -> None:
        self.blocked = True

    def drain(self, room: int | None = None) -> None:
        """The peer has read everything; now `room` frames fit again."""
        self.blocked, self._room = False, room
        waiting, self._waiting = self._waiting, []
        for payload in waiting:
            self._show(payload)

    @property
    def types(self) -> list[str]:
        """The types of what the peer saw, in order."""
        return [event["type"] for event in self.seen]

    def text(self, part: str = "text") -> str:
        """What a page that follows the rules of docs/protocol.md shows of the part."""
        # It holds every change of the session already: here the text alone is of interest.
        transcript = Transcript(session_id=SESSION, revision=EVERY_REVISION)
        for event in self.seen:
            assert not transcript.apply(event), f"a page would have to ask again at {event}"
        return transcript.text(RUN, part)

    def _take(self, frame: bytes) -> None:
        for _, payload in self._reader.feed(frame):
            self._show(payload)

    def _show(self, payload: bytes) -> None:
        self.seen.append(json.loads(payload))


class HandClock(FlushClock):
    """Nothing happens by itself: `flush` writes what is marked, `pass_time` runs what was put off."""

    def __init__(self) -> None:
        super().__init__(0.016)
        self.marked: list[LiveRun] = []
        self.put_off: list[tuple[Callable[..., None], tuple[object, ...]]] = []

    def mark(self, run: LiveRun) -> None:
        run.dirty = True
        self.marked.append(run)

    def later(self, delay_s: float, act: Callable[..., None], *args: object) -> None:
        self.put_off.append((act, args))

    def flush(self) -> None:
        marked, self.marked = self.marked, []
        for run in marked:
            run.dirty = False
            run.flush()

    def pass_time(self) -> None:
        put_off, self.put_off = self.put_off, []
        for act, args in put_off:
            act(*args)


def head(epoch: int = 1, run_id: str = RUN) -> RunHead:
    """The run that the tests of delivery look at."""
    return RunHead(USER, SESSION, run_id, MESSAGE, epoch)


def ended(revision: int = 3, text: str = "") -> RunCompleted:
    """Its end."""
    message = {"id": MESSAGE, "session_id": SESSION, "text": text, "reasoning": "", "run": None}
    return RunCompleted(
        SESSION, RUN, MESSAGE, "completed", {"text": len(text.encode())}, {}, None, None, message, revision
    )


def member(hub: Hub, link: Link, user_id: str = USER, login_id: str = "login") -> Member:
    """A connection that has said hello."""
    joined = Member(link, user_id, login_id)
    hub.join(joined)
    return joined


def view(hub: Hub, link: Link, revision: int = 0, **holds: tuple[int, int]) -> Member:
    """A connection that has the session open; `holds` is what it has of the run: per part, epoch and offset."""
    joined = member(hub, link)
    hub.hold(joined, SESSION)
    hub.release(joined, SESSION, revision, {RUN: holds} if holds else {})
    return joined
