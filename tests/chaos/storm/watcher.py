"""One viewer as the web app is one: it opens, applies, asks again, tests a quiet line, and comes back with jitter.

Rules of time: static/pwa/net/socket.js and static/pwa/core/backoff.js. Rules of text: `Transcript`.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.event import Event

from tests.chaos.storm.glance import Frame, GlanceClient
from tests.support.transcript import Contradiction, Transcript
from tests.support.viewer import DO_NOT_COME_BACK, Viewer
from tests.support.ws_client import BrokenFrame, Closed, CommandFailed, HandshakeRefused

GLANCE_S = 0.06
"""A screen that is looked at sixteen times a second: what came meanwhile is applied in order, as in a busy tab."""
FLOOR_S, CEILING_S, STEADY_S, SETTLE_S = 0.5, 20.0, 5.0, 0.4
LOST_ANSWERS = 0.1
"""So many questions are followed by a reset before their answer is read: they must be asked again, and be the same."""
Trouble = (Closed, HandshakeRefused, TimeoutError, OSError)


@dataclass(slots=True)
class Letter:
    """A question on its way: sent again, under the same id, until the server has said what became of it."""

    client_id: str
    text: str
    tries: int = 0
    sent: Frame | None = None
    refused: str = ""
    settled: Event = field(default_factory=Event)


@dataclass(slots=True)
class Book:
    """What one viewer saw, and when (CLOCK_MONOTONIC): for the judgement afterwards."""

    epochs: dict[str, dict[int, float]] = field(default_factory=dict)
    """By run and epoch: its first sight."""
    lasts: dict[str, dict[int, float]] = field(default_factory=dict)
    """By run and epoch: its last sight."""
    ends: dict[str, float] = field(default_factory=dict)
    lines: list[tuple[float, int]] = field(default_factory=list)
    closes: dict[str, int] = field(default_factory=dict)
    resets: int = 0
    broken: list[str] = field(default_factory=list)


class Watcher(Viewer):
    """Runs in a greenlet of its own, until `leave` is set."""

    client_class = GlanceClient

    def __init__(self, url: str, token: str, dice: random.Random) -> None:
        super().__init__(url, token)
        self.book = Book()
        self.letter: Letter | None = None
        self.cut_off = False
        self.leaving = False
        self._dice = dice
        self._attempt = 0
        self._online_s = self._heard_s = self._unsettled_s = 0.0
        self._heartbeat_s = 25.0

    def live(self) -> None:
        """Be there for as long as one is wanted."""
        while not self.leaving:
            try:
                self._enter()
                self._stay()
            except Trouble as fault:
                self._away(fault)
            except CommandFailed as fault:
                self._away(Closed(1006, str(fault)))
            except (Contradiction, BrokenFrame) as broken:
                self._contradicted(broken)
        self.close()

    @property
    def glance(self) -> GlanceClient:
        client = self.online
        assert isinstance(client, GlanceClient)
        return client

    # -- being connected

    def _enter(self) -> None:
        """Connect and open; hello that cannot be answered is a lost line, as in the web app."""
        self.connect()
        self._online_s = self._heard_s = time.monotonic()
        self.book.lines.append((self._online_s, self.glance.port_here))
        if self.transcript.session_id:
            self._open()

    def _stay(self) -> None:
        while not self.leaving:
            frames = self.glance.arrived()
            if frames:
                self._heard_s = time.monotonic()
                self._take(frames)
            elif time.monotonic() - self._heard_s > self._heartbeat_s:
                self.online.command("ping")
                self._heard_s = time.monotonic()
            self._ask_if_unsettled()
            if self.letter is not None and not self.letter.settled.is_set():
                self._send(self.letter)
            gevent.sleep(GLANCE_S * self._dice.uniform(0.7, 1.3))
            if self.cut_off:
                self._reset()

    def _ask_if_unsettled(self) -> None:
        """A change was told of that did not come: after a moment it is asked for."""
        if self.transcript.seen <= self.transcript.revision:
            self._unsettled_s = 0.0
        elif not self._unsettled_s:
            self._unsettled_s = time.monotonic()
        elif time.monotonic() - self._unsettled_s > SETTLE_S:
            self._unsettled_s = 0.0
            self.asked_again += 1
            self._open()

    def _away(self, fault: BaseException) -> None:
        """Lost: wait with full jitter, or as long as the server says."""
        code = fault.code if isinstance(fault, Closed) else 1006
        name = str(code) if isinstance(fault, Closed) else type(fault).__name__
        self.book.closes[name] = self.book.closes.get(name, 0) + 1
        self.close()
        self.cut_off = False
        if code in DO_NOT_COME_BACK:
            self.book.broken.append(f"sent away with {code}")
        if self._online_s and time.monotonic() - self._online_s > STEADY_S:
            self._attempt = 0
        self._online_s = 0.0
        delay_s = _told_delay_s(fault)
        if delay_s is None:
            bound_s = min(CEILING_S, 2.0 ** min(self._attempt, 10))
            delay_s = FLOOR_S + self._dice.random() * (bound_s - FLOOR_S)
        self._attempt += 1
        until_s = time.monotonic() + delay_s
        while time.monotonic() < until_s and not self.leaving:
            gevent.sleep(min(0.5, max(0.0, until_s - time.monotonic())))

    def _reset(self) -> None:
        self.cut_off = False
        self.book.resets += 1
        self.online.reset()
        raise Closed(1006, "reset by the storm")

    # -- what is shown

    def _take(self, frames: list[Frame]) -> None:
        for at, frame in enumerate(frames):
            if self.transcript.apply(frame):
                self.asked_again += 1
                self.glance.put_back(frames[at + 1 :])
                self._open()
                return
            self._note(frame)

    def _open(self) -> None:
        """Open, again after a moment where the database is away; what was missed is in the answer."""
        while True:
            try:
                self.open()
                break
            except CommandFailed as refusal:
                if not refusal.frame.get("retryable"):
                    raise
                gevent.sleep(_pause_s(refusal, self._dice))
        self._note_ends()

    def _note(self, frame: Frame) -> None:
        if frame["type"] in ("run.delta", "run.reset"):
            run_id, epoch, now_s = frame["run_id"], frame["epoch"], time.monotonic()
            self.book.epochs.setdefault(run_id, {}).setdefault(epoch, now_s)
            self.book.lasts.setdefault(run_id, {})[epoch] = now_s
        else:
            self._note_ends()

    def _note_ends(self) -> None:
        for run_id in self.transcript.completed.keys() - self.book.ends.keys():
            self.book.ends[run_id] = time.monotonic()

    def _contradicted(self, broken: AssertionError) -> None:
        """A broken promise: told, and then begun anew, so that the load stays."""
        self.book.broken.append(f"{self.transcript.session_id}: {broken}"[:400])
        self.transcript = Transcript(session_id=self.transcript.session_id)
        self.close()
        gevent.sleep(FLOOR_S)

    # -- what is asked

    def _send(self, letter: Letter) -> None:
        letter.tries += 1
        if letter.tries == 1 and self._dice.random() < LOST_ANSWERS:
            self._send_and_vanish(letter)
        try:
            sent = self.ask(letter.text, letter.client_id)
        except CommandFailed as refusal:
            if refusal.frame.get("retryable"):
                gevent.sleep(_pause_s(refusal, self._dice))
                return
            letter.refused = str(refusal)
        else:
            letter.sent = sent
        self._heard_s = time.monotonic()
        letter.settled.set()

    def _send_and_vanish(self, letter: Letter) -> None:
        frame: dict[str, Any] = {"type": "message.send", "id": "lost", "client_id": letter.client_id}
        self.online.send({**frame, "session_id": self.transcript.session_id, "text": letter.text})
        gevent.sleep(self._dice.choice([0.0, 0.001, 0.01, 0.05]))
        self._reset()


def _pause_s(refusal: CommandFailed, dice: random.Random) -> float:
    told_ms = refusal.frame.get("retry_after_ms")
    return told_ms / 1000 if told_ms else dice.uniform(0.5, 1.0)


def _told_delay_s(fault: BaseException) -> float | None:
    """What the reason of a close frame says."""
    if not isinstance(fault, Closed) or not fault.args[0].rstrip().endswith("}"):
        return None
    try:
        told = json.loads(fault.reason)
    except ValueError:
        return None
    return float(told["retry_after_ms"]) / 1000 if "retry_after_ms" in told else None
