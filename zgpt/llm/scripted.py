"""A Provider for tests: it says what a test has put into its queue, when the test wants it, and breaks as told.

    provider.script(Say("Hel"), Hold(gate), Say("lo"), End())     # the next answer
    provider.script(Say("A title"), when=asks_for_title)           # the next answer to a prompt like that
    provider.script(Break(ProviderError(...)))                     # … fails before its first token

It runs in a greenlet, so its deltas come as a real provider's do: never from inside `stream()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import gevent
from gevent import Greenlet
from gevent.event import Event

from .base import Part, Prompt, ProviderError, Stream, StreamEnd, StreamSink, Usage, count_tokens
from .failures import cut, late


@dataclass(frozen=True, slots=True)
class Say:
    """Text deltas, one by one, `every_s` apart (0: all in a row, without letting others run)."""

    texts: tuple[str, ...]
    every_s: float = 0.0
    part: Part = "text"

    def __init__(self, *texts: str, every_s: float = 0.0, part: Part = "text") -> None:
        object.__setattr__(self, "texts", texts)
        object.__setattr__(self, "every_s", every_s)
        object.__setattr__(self, "part", part)


def think(*texts: str, every_s: float = 0.0) -> Say:
    """Deltas of the reasoning part."""
    return Say(*texts, every_s=every_s, part="reasoning")


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Say nothing until the test sets `gate`."""

    gate: Event


@dataclass(frozen=True, slots=True)
class Silence:
    """Say nothing ever again: only `Stream.close()` ends it."""


@dataclass(frozen=True, slots=True)
class NeverConnect:
    """No connection until the caller's deadline, then the error that a real provider gives."""


@dataclass(frozen=True, slots=True)
class Break:
    """The answer fails here."""

    error: ProviderError


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends here."""


@dataclass(frozen=True, slots=True)
class End:
    """The answer is complete. A script that does not say so ends like this."""

    reason: str = "stop"
    usage: Usage | None = None


Step = Say | Pause | Hold | Silence | NeverConnect | Break | Cut | End
Condition = Callable[[Prompt], bool]


@dataclass(slots=True)
class _Script:
    steps: tuple[Step, ...]
    when: Condition | None


@dataclass(slots=True, eq=False)
class ScriptedStream:
    """One answer; a test may look at how it went."""

    prompt: Prompt
    closed: bool = False
    ended: bool = False
    done: Event = field(default_factory=Event)  # set when it has ended or was closed
    greenlet: Greenlet[..., None] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether it was closed before its end."""
        return self.closed and not self.ended

    def close(self) -> None:
        """See Stream."""
        if self.closed:
            return
        self.closed = True
        self.done.set()
        if self.greenlet is not None and self.greenlet is not gevent.getcurrent():
            self.greenlet.kill(block=False)


class ScriptedProvider:
    """Answers from its queue; with the queue empty it says `default`. `streams` are all answers asked for, in order."""

    def __init__(self, *, default: str = "Hello.", can_continue: bool = False, model: str = "scripted") -> None:
        self.model = model
        self.display_name = "Scripted"
        self.can_continue = can_continue
        self.default: tuple[Step, ...] = (Say(default),)
        self.streams: list[ScriptedStream] = []
        self._scripts: list[_Script] = []
        self._asked = Event()

    @property
    def prompts(self) -> list[Prompt]:
        """What was asked, in order."""
        return [stream.prompt for stream in self.streams]

    def script(self, *steps: Step | str, when: Condition | None = None) -> None:
        """Queue one answer; a plain string is a Say. With `when`, only for a prompt that fulfils it."""
        self._scripts.append(_Script(tuple(Say(step) if isinstance(step, str) else step for step in steps), when))

    def reset(self) -> None:
        """Forget the queue and what was asked; answers on their way are closed."""
        for stream in self.streams:
            stream.close()
        self.streams.clear()
        self._scripts.clear()

    def wait_asked(self, count: int = 1, timeout_s: float = 5.0) -> ScriptedStream:
        """Wait until `count` answers have been asked for; the last of them. Raises TimeoutError."""
        with gevent.Timeout(timeout_s, TimeoutError(f"{len(self.streams)} answers were asked for, not {count}")):
            while len(self.streams) < count:
                self._asked.clear()
                self._asked.wait()
        return self.streams[count - 1]

    def stream(self, prompt: Prompt, sink: StreamSink, deadline_s: float) -> Stream:
        """See Provider."""
        stream = ScriptedStream(prompt)
        self.streams.append(stream)
        self._asked.set()
        stream.greenlet = gevent.spawn(_play, self._next(prompt), stream, sink, deadline_s)
        return stream

    def count_tokens(self, text: str) -> int:
        """See Provider."""
        return count_tokens(text)

    def _next(self, prompt: Prompt) -> tuple[Step, ...]:
        for script in self._scripts:
            if script.when is None or script.when(prompt):
                self._scripts.remove(script)
                return script.steps
        return self.default


def _play(steps: tuple[Step, ...], stream: ScriptedStream, sink: StreamSink, deadline_s: float) -> None:
    for step in steps:
        if isinstance(step, Say):
            for text in _paced(step):
                if stream.closed:
                    return None
                sink.on_delta(step.part, text.encode())
        elif isinstance(step, End):
            return _end(stream, sink, StreamEnd(step.reason, step.usage))
        elif (error := _wait(step, deadline_s, began=step is not steps[0])) is not None:
            return _end(stream, sink, error)
    return _end(stream, sink, StreamEnd("stop"))


def _paced(step: Say) -> Iterator[str]:
    for text in step.texts:
        if step.every_s:
            gevent.sleep(step.every_s)
        yield text


def _wait(step: Step, deadline_s: float, *, began: bool) -> ProviderError | None:
    """Carry out a step that says nothing; the error that it ends with, if it does."""
    match step:
        case Pause():
            gevent.sleep(step.seconds)
        case Hold():
            step.gate.wait()
        case Silence():
            Event().wait()
        case NeverConnect():
            gevent.sleep(deadline_s)
            return late("accept a connection", deadline_s)
        case Break():
            return step.error
        case Cut():
            return cut(began=began)
    return None


def _end(stream: ScriptedStream, sink: StreamSink, how: StreamEnd | ProviderError) -> None:
    if stream.closed:
        return
    stream.ended = stream.closed = True
    if isinstance(how, StreamEnd):
        sink.on_end(how)
    else:
        sink.on_error(how)
    stream.done.set()
