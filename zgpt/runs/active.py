"""One run while this process writes it: the text it owns, its deadlines, and how it ended; no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Literal

from gevent.event import Event

from zgpt.core import clock, metrics
from zgpt.llm.base import Part, ProviderError, StreamEnd, Usage
from zgpt.realtime.broker import Broker
from zgpt.realtime.live import PARTS, RunHead
from zgpt.runs.screen import Screen

ANSWER_BYTES = 1_048_576
"""Longest answer: a model in a loop must not fill the memory. Four times the largest context in common use."""

UNSAVED_BYTES = 4_096
"""What a killed process may cost at most, besides what came in the last second."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a run failed: a stable code, words for the person, and whether trying again can help."""

    code: str
    message: str
    retryable: bool


BLOCKED = Fault(
    "blocked",
    "This answer was stopped, because it went against the rules of this service. What came before it stays.",
    False,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    status: Literal["completed", "stopped", "failed"]
    fault: Fault | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long the parts of an answer may take, in seconds."""

    first_token_s: float
    idle_s: float
    total_s: float


class ActiveRun:
    """The sink of one provider stream. The callbacks run on the event loop, once per token: keep them small."""

    __slots__ = (
        "_broker",
        "_screen",
        "_settled",
        "_urgent",
        "began_s",
        "deltas",
        "first_s",
        "frozen",
        "head",
        "last_s",
        "lost",
        "outcome",
        "prompt_tokens",
        "saved_bytes",
        "size",
        "texts",
    )

    def __init__(
        self, head: RunHead, kept: Mapping[str, bytes], broker: Broker, urgent: Event, screen: Screen | None = None
    ) -> None:
        """`urgent` is set when so much text is unsaved that the next checkpoint must not wait for its turn.

        `screen` holds back what may be against the rules; without one everything is shown.
        """
        self.head = head
        self.frozen = False
        self.lost = False
        self.deltas = 0
        self.prompt_tokens = 0
        """An estimate, for a model that does not tell its usage. 0: it was not asked."""
        self._urgent = urgent
        self.texts = {part: bytearray(kept.get(part, b"")) for part in PARTS}
        self.size = sum(map(len, self.texts.values()))
        self.saved_bytes = self.size
        self.began_s = clock.monotonic()
        self.first_s: float | None = None
        self.last_s = self.began_s
        self.outcome: Outcome | None = None
        self._broker = broker
        self._screen = screen
        if screen is not None:
            screen.on_block = self.block
        self._settled = Event()

    def on_delta(self, part: Part, data: bytes) -> None:
        if self.outcome is not None or self.frozen:
            return
        if 0 in data:
            # PostgreSQL's text holds no NUL; no reader would see one either.
            data = data.replace(b"\0", "\ufffd".encode())
        self.deltas += 1
        self.last_s = clock.monotonic()
        screen = self._screen
        if screen is not None:
            data = screen.feed(part, data)
        if data:
            self._append(part, data)
        if screen is not None and screen.blocked:
            self.block()

    def _append(self, part: str, data: bytes) -> None:
        text = self.texts[part]
        at = len(text)
        text += data
        self.size += len(data)
        head = self.head
        self._broker.append(head.run_id, head.epoch, part, at, data)
        if self.first_s is None:
            self.first_s = self.last_s
            metrics.FIRST_TOKEN.observe(self.last_s - self.began_s)
        if self.size - self.saved_bytes > UNSAVED_BYTES:
            self._urgent.set()
        if self.size > ANSWER_BYTES:
            self.settle(Outcome("completed"))

    def on_end(self, end: StreamEnd) -> None:
        self._show_rest()
        if self._screen is None or self.outcome is not None:
            self._complete(end)
        else:
            self._screen.when_reviewed(partial(self._complete, end))

    def _complete(self, end: StreamEnd) -> None:
        if not self.size:
            fault = Fault("provider_empty", "The model ended its answer without a word. Try again.", True)
            self.settle(Outcome("failed", fault, end.usage))
        else:
            self.settle(Outcome("completed", usage=end.usage))

    def on_error(self, error: ProviderError) -> None:
        self._fail(Fault(error.code, error.message, error.retryable))

    def block(self) -> None:
        """What comes is against the rules. What was shown stays."""
        self.settle(Outcome("failed", BLOCKED))

    def stop(self) -> None:
        """The person wants no more. What was shown stays."""
        self.settle(Outcome("stopped"))

    def begin(self) -> None:
        """Its turn has come: the deadlines count from here."""
        self.began_s = self.last_s = clock.monotonic()

    def retry(self) -> bool:
        """Forget a failure that can be tried again, while nothing of this attempt was shown; False if it stands."""
        fault = self.outcome.fault if self.outcome else None
        if fault is None or not fault.retryable or self.first_s is not None:
            return False
        self.outcome = None
        self._settled.clear()
        if self._screen is not None:
            self._screen.restart()
        return True

    def rest(self, for_s: float) -> None:
        """Sleep between two attempts, less long when somebody settles the run meanwhile."""
        self._settled.wait(for_s)

    def settle(self, outcome: Outcome) -> None:
        """Decide how the run ends; the first to say so is right."""
        if self.outcome is None:
            self.outcome = outcome
            self._settled.set()

    def wait(self, deadlines: Deadlines) -> Outcome:
        """Sleep until the run is settled, or settle it as failed when one of its deadlines passes."""
        while self.outcome is None:
            due_s, fault = self._next_deadline(deadlines)
            left_s = due_s - clock.monotonic()
            if left_s <= 0:
                self._fail(fault)
            else:
                # No longer: the first token wakes nobody here, and the next one is due this soon after it.
                self._settled.wait(min(left_s, deadlines.idle_s))
        return self.outcome

    def ends(self) -> dict[str, int]:
        """Bytes of each part that has any."""
        return {part: len(text) for part, text in self.texts.items() if text}

    def digests(self) -> dict[str, str]:
        """SHA-256 of each part that has any, in hex."""
        return {part: sha256(text).hexdigest() for part, text in self.texts.items() if text}

    def _fail(self, fault: Fault) -> None:
        """Nothing more comes. Where nothing was shown, what is held back goes too: the attempt may be made again."""
        if self.first_s is not None:
            self._show_rest()
        self.settle(Outcome("failed", fault))

    def _show_rest(self) -> None:
        """The model has said its last word: what was held back for the sake of the next one is decided now."""
        if self._screen is None or self.outcome is not None or self.frozen:
            return
        for part in PARTS:
            data = self._screen.finish(part)
            if data:
                self._append(part, data)
            if self._screen.blocked:
                self.block()
                return

    def _next_deadline(self, deadlines: Deadlines) -> tuple[float, Fault]:
        total = (self.began_s + deadlines.total_s, _late(deadlines.total_s, "did not finish its answer within"))
        if self.first_s is None:
            first = (self.began_s + deadlines.first_token_s, _late(deadlines.first_token_s, "did not answer within"))
            return min(total, first, key=_due)
        idle = (self.last_s + deadlines.idle_s, _late(deadlines.idle_s, "broke off and said nothing for"))
        return min(total, idle, key=_due)


def _due(deadline: tuple[float, Fault]) -> float:
    return deadline[0]


def _late(after_s: float, what: str) -> Fault:
    return Fault("provider_timeout", f"The model {what} {after_s:g} s. Try again.", True)
