"""The scripted provider keeps to its script, as a real one keeps to the interface."""

import gevent
import pytest
from gevent.event import Event

from zgpt.llm import base
from zgpt.llm.base import Prompt, ProviderError, StreamEnd, Usage
from zgpt.llm.complete import complete
from zgpt.llm.scripted import Break, Cut, End, Hold, NeverConnect, Pause, Say, ScriptedProvider, Silence, think

from .sink import Sink, prompt


def start(provider: ScriptedProvider, asked: Prompt | None = None, deadline_s: float = 5.0) -> Sink:
    sink = Sink()
    provider.stream(asked or prompt(), sink, deadline_s)
    return sink


def test_it_says_what_was_queued_in_order_and_then_its_default() -> None:
    provider = ScriptedProvider(default="Default.")
    provider.script(think("hm"), "a", Pause(0.001), Say("b", "c", every_s=0.001), End("length", Usage(1, 2)))
    first, second = start(provider), start(provider)
    assert (first.end, first.text, first.reasoning) == (StreamEnd("length", Usage(1, 2)), "abc", "hm")
    assert (second.end, second.text) == (StreamEnd("stop"), "Default.")


def test_nothing_is_said_from_within_stream() -> None:
    provider, sink = ScriptedProvider(), Sink()
    provider.stream(prompt(), sink, 1.0)
    assert sink.deltas == []
    assert sink.end.reason


def test_a_script_may_be_for_certain_prompts_only() -> None:
    provider = ScriptedProvider()
    provider.script("A title", when=lambda asked: "title" in asked.messages[-1].text)
    provider.script("An answer")
    answer, title = start(provider), start(provider, prompt("Make a title"))
    assert (answer.end, answer.text, title.end, title.text) == (answer.end, "An answer", title.end, "A title")


def test_a_test_decides_when_it_goes_on() -> None:
    provider, gate = ScriptedProvider(), Event()
    provider.script("a", Hold(gate), "b")
    sink = start(provider)
    assert sink.began.wait(1)
    assert sink.text == "a"
    gate.set()
    assert (sink.end.reason, sink.text) == ("stop", "ab")


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((Break(ProviderError("provider_failed", "No.", retryable=True)),), "provider_failed"),
        ((Say("a"), Cut()), base.CUT),
        ((NeverConnect(),), base.TIMEOUT),
    ],
)
def test_it_breaks_as_told(steps: tuple[Say, ...], code: str) -> None:
    provider = ScriptedProvider()
    provider.script(*steps)
    assert start(provider, deadline_s=0.01).error.code == code


def test_closing_is_seen_and_ends_it_silently() -> None:
    provider = ScriptedProvider()
    provider.script("a", Silence())
    sink = Sink()
    stream = provider.stream(prompt(), sink, 1.0)
    assert sink.began.wait(1)
    stream.close()
    seen = provider.wait_asked()
    assert (seen.done.wait(1), seen.cancelled, sink.ends) == (True, True, [])


def test_waiting_for_a_question_that_does_not_come_is_an_error() -> None:
    with pytest.raises(TimeoutError):
        ScriptedProvider().wait_asked(timeout_s=0.01)


def test_reset_forgets_everything_and_stops_what_runs() -> None:
    provider = ScriptedProvider()
    provider.script(Silence())
    provider.script("never")
    sink = start(provider)
    stream = provider.wait_asked()
    provider.reset()
    assert (stream.cancelled, provider.prompts, sink.ends) == (True, [], [])
    again = start(provider)
    assert (again.end.reason, again.text) == ("stop", "Hello.")


def test_complete_gives_the_whole_text_without_the_reasoning() -> None:
    provider = ScriptedProvider()
    provider.script(think("hm"), "A ", "title")
    assert complete(provider, prompt(), 1.0) == "A title"


def test_complete_raises_the_providers_error_and_its_own_when_late() -> None:
    provider = ScriptedProvider()
    provider.script("a", Cut())
    provider.script("a", Silence())
    with pytest.raises(ProviderError, match=base.CUT):
        complete(provider, prompt(), 1.0)
    with pytest.raises(ProviderError, match=base.TIMEOUT):
        complete(provider, prompt(), 0.01)
    gevent.sleep(0)
    assert provider.streams[1].cancelled


def test_complete_bounds_a_text_without_an_end() -> None:
    provider = ScriptedProvider()
    provider.script(Say(*["x" * 1000] * 1000), Silence())
    assert len(complete(provider, prompt(), 1.0)) == 256 * 1024
