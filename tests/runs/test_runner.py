"""From a queued run to its end, with a model that says, pauses and breaks as scripted."""

import gevent
import pytest
from gevent.event import Event

from tests.runs.conftest import Chat, MakeChat
from zgpt.chat.models import Message
from zgpt.core.errors import Unavailable
from zgpt.llm.base import Prompt, ProviderError, StreamEnd, StreamSink, Usage
from zgpt.llm.scripted import Break, Cut, End, Hold, Pause, Say, ScriptedProvider, ScriptedStream, Silence, think
from zgpt.runs import actions, ending
from zgpt.runs.runner import RETRY_LONGEST_S

REMOTE = {"LLM_BASE_URL": "http://127.0.0.1:9/v1"}
AWAY = ProviderError("provider_unreachable", "The model cannot be reached.", True)
REFUSED = ProviderError("provider_rejected", "The model does not take this.", False)


def test_the_answer_reasoning_and_usage_are_kept(any_chat: Chat) -> None:
    any_chat.provider.script(think("Hm, "), think("yes."), Say("It", " is."), End("stop", Usage(12, 3)))
    sent = any_chat.ask()
    run = any_chat.run(sent.run_id)
    message = any_chat.row(Message, run.message_id)
    assert (message.text, message.reasoning) == ("It is.", "Hm, yes.")
    assert (run.usage, run.ends) == ({"prompt_tokens": 12, "completion_tokens": 3}, {"reasoning": 8, "text": 6})
    assert run.started_at is not None
    assert run.ended_at is not None


def test_the_end_carries_the_final_message_and_its_digests(chat: Chat) -> None:
    first = chat.ask()
    link = chat.view(first.session_id)
    chat.provider.script(Say("Grüße"))
    sent = chat.ask("Again", first.session_id)
    end = next(event for event in link.seen if event["type"] == "run.completed")
    run = chat.run(sent.run_id)
    assert (end["status"], end["ends"], end["sha256"], end["error"]) == ("completed", {"text": 7}, run.sha256, None)
    assert (end["message"]["text"], end["message"]["run"]["status"]) == ("Grüße", "completed")
    assert end["revision"] == end["message"]["revision"] == 6


@pytest.mark.parametrize("broken", [Break(AWAY), Break(REFUSED), Cut()], ids=["retryable", "final", "cut"])
def test_what_was_said_before_a_fault_is_kept_and_the_fault_told(chat: Chat, broken: Break | Cut) -> None:
    chat.provider.script(Say("Half an ans"), broken)
    sent = chat.ask()
    run = chat.run(sent.run_id)
    assert run.status == "failed"
    assert run.error_code
    assert run.error_message
    assert chat.row(Message, run.message_id).text == "Half an ans"
    assert len(chat.provider.streams) == 1


def test_a_fault_before_the_first_word_is_tried_again(make_chat: MakeChat) -> None:
    chat = make_chat(**REMOTE)
    chat.provider.script(Break(AWAY))
    chat.provider.script(End())
    chat.provider.script(Say("At last"))
    sent = chat.ask()
    assert chat.run(sent.run_id).status == "completed"
    assert len(chat.provider.streams) == 3


def test_a_model_that_stays_away_is_given_up_after_a_while(make_chat: MakeChat) -> None:
    chat = make_chat(**REMOTE, LLM_CONNECT_TIMEOUT_S="0.2")
    chat.provider.default = (Break(AWAY),)
    sent = chat.ask()
    run = chat.run(sent.run_id)
    assert (run.status, run.error_code, run.error_retryable) == ("failed", "provider_unreachable", True)
    assert len(chat.provider.streams) >= 2


def test_the_built_in_model_is_waited_for_as_long_as_for_a_first_token(make_chat: MakeChat) -> None:
    chat = make_chat(LLM_FIRST_TOKEN_TIMEOUT_S="0.5", LLM_CONNECT_TIMEOUT_S="0.01")
    chat.provider.script(Break(AWAY))
    chat.provider.script(Break(AWAY))
    assert chat.run(chat.ask().run_id).status == "completed"


def test_a_fault_that_trying_again_cannot_help_is_told_at_once(chat: Chat) -> None:
    chat.provider.script(Break(REFUSED))
    sent = chat.ask()
    assert chat.run(sent.run_id).error_code == "provider_rejected"
    assert len(chat.provider.streams) == 1


def test_a_stop_between_two_tries_ends_the_run_at_once_and_asks_no_more(make_chat: MakeChat) -> None:
    chat = make_chat(**REMOTE)
    chat.provider.default = (Break(AWAY),)
    sent = chat.send()
    chat.wait(lambda: len(chat.provider.streams) == 4)
    gevent.sleep(0.01)
    with gevent.Timeout(RETRY_LONGEST_S / 4):
        chat.do(actions.request_stop, chat.person.id, sent.run_id)
        chat.settle()
    assert chat.run(sent.run_id).status == "stopped"
    assert len(chat.provider.streams) == 4


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ((Silence(),), "did not answer within 0.1 s"),
        ((Say("x"), Silence()), "said nothing for 0.15 s"),
        ((Say(*"x" * 40, every_s=0.05),), "did not finish its answer within 0.6 s"),
    ],
    ids=["first token", "idle", "total"],
)
def test_each_timeout_ends_the_run_in_its_own_words(make_chat: MakeChat, steps: tuple[Say, ...], words: str) -> None:
    chat = make_chat(
        **REMOTE,
        LLM_CONNECT_TIMEOUT_S="0.05",
        LLM_FIRST_TOKEN_TIMEOUT_S="0.1",
        LLM_IDLE_TIMEOUT_S="0.15",
        LLM_TOTAL_TIMEOUT_S="0.6",
    )
    chat.provider.script(*steps)
    sent = chat.ask()
    run = chat.run(sent.run_id)
    assert (run.status, run.error_code, run.error_retryable) == ("failed", "provider_timeout", True)
    assert words in (run.error_message or "")
    assert chat.provider.streams[0].closed


def test_a_question_longer_than_the_context_fails_in_words(make_chat: MakeChat) -> None:
    chat = make_chat(LLM_CONTEXT_TOKENS="256", LLM_MAX_OUTPUT_TOKENS="100")
    run = chat.run(chat.ask("word " * 400).run_id)
    assert (run.status, run.error_code, run.error_retryable) == ("failed", "context_too_long", False)
    assert chat.provider.streams == []


def test_who_waits_is_told_their_place_and_then_the_start(make_chat: MakeChat) -> None:
    chat = make_chat(LLM_CONCURRENCY="1")
    first, gate = chat.ask(), Event()
    link = chat.view(first.session_id)
    chat.provider.script(Say("x"), Hold(gate))
    chat.send("Long")
    chat.wait(lambda: len(chat.provider.streams) == 2)
    waiting = chat.send("Next", first.session_id)
    chat.wait(lambda: "run.queued" in link.types)
    queued = next(event for event in link.seen if event["type"] == "run.queued")
    assert (queued["run_id"], queued["place"]) == (waiting.run_id, 1)
    gate.set()
    chat.settle()
    assert link.types.index("run.queued") < link.types.index("run.started") < link.types.index("run.delta")


def test_a_run_that_waits_can_be_stopped_and_never_asks_the_model(make_chat: MakeChat) -> None:
    chat, gate = make_chat(LLM_CONCURRENCY="1"), Event()
    chat.provider.script(Say("x"), Hold(gate))
    chat.send()
    chat.wait(lambda: chat.provider.streams)
    waiting = chat.send()
    chat.wait(lambda: chat.runner._slots.waiting)
    chat.do(actions.request_stop, chat.person.id, waiting.run_id)
    chat.wait(lambda: chat.run(waiting.run_id).status == "stopped")
    gate.set()
    chat.settle()
    assert len(chat.provider.streams) == 1


class BrokenProvider(ScriptedProvider):
    """Its own code is at fault."""

    def stream(self, prompt: Prompt, sink: StreamSink, deadline_s: float) -> ScriptedStream:
        raise RuntimeError("broken")


def test_a_run_that_is_stopped_before_its_turn_never_waits(chat: Chat) -> None:
    sent = chat.send()
    chat.runner.stop(sent.run_id)
    chat.settle()
    assert (chat.run(sent.run_id).status, chat.provider.streams) == ("stopped", [])


def test_a_fault_of_our_own_ends_the_run_without_its_details(make_chat: MakeChat) -> None:
    chat = make_chat(BrokenProvider())
    run = chat.run(chat.ask().run_id)
    assert (run.status, run.error_code, run.error_retryable) == ("failed", "internal", True)
    assert "broken" not in (run.error_message or "")


def test_an_end_that_the_database_does_not_take_is_written_when_it_is_back(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, faults = ending.end_run, [Unavailable(), Unavailable()]

    def away_twice(*args: object) -> ending.Ended:
        if faults:
            raise faults.pop()
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(ending, "end_run", away_twice)
    assert chat.run(chat.ask().run_id).status == "completed"


def test_a_run_whose_beginning_cannot_be_written_fails(make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = make_chat(LLM_FIRST_TOKEN_TIMEOUT_S="0.1")

    def away(_head: object) -> None:
        raise Unavailable

    monkeypatch.setattr(ending, "begin_run", away)
    assert chat.run(chat.ask().run_id).error_code == "internal"


def test_an_end_that_cannot_be_written_at_all_leaves_nobody_waiting(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bool:
        raise RuntimeError("broken")

    monkeypatch.setattr(ending, "end_run", broken)
    sent = chat.ask()
    assert chat.hub.live_run(sent.run_id) is None
    assert chat.run(sent.run_id).status == "streaming"


def test_a_process_that_ends_keeps_what_was_shown_and_leaves_the_run_open(any_chat: Chat) -> None:
    chat, gate = any_chat, Event()
    chat.provider.script(Say("What was "), Hold(gate), Say("not shown"))
    sent = chat.send()
    link = chat.view(sent.session_id)
    chat.wait(lambda: "run.delta" in link.types)
    chat.runner.drain()
    gate.set()
    chat.settle()
    run = chat.run(sent.run_id)
    assert (run.status, run.text_kept) == ("streaming", "What was ")
    assert "run.completed" not in link.types
    assert chat.provider.streams[0].cancelled


def test_stopping_a_run_of_another_process_does_nothing(chat: Chat) -> None:
    chat.runner.stop("0190b3a4-0000-7000-8000-000000000000")


def test_deltas_after_a_pause_reach_the_viewer_as_they_come(chat: Chat) -> None:
    chat.provider.script(Say("one "), Pause(0.05), Say("two"))
    sent = chat.send()
    link = chat.view(sent.session_id)
    chat.settle()
    assert [event["text"] for event in link.seen if event["type"] == "run.delta"] == ["one ", "two"]


def test_a_run_ends_once_whatever_the_stream_says_afterwards(chat: Chat) -> None:
    chat.provider.script(Say("x"), End())
    sent = chat.send()
    [run] = chat.runner.active()
    chat.settle()
    run.on_end(StreamEnd("stop"))
    run.on_error(AWAY)
    assert chat.run(sent.run_id).status == "completed"


def test_to_abandon_another_epoch_than_the_one_written_here_changes_nothing(chat: Chat) -> None:
    gate = Event()
    chat.provider.script(Say("Hello "), Hold(gate), Say("there"))
    sent = chat.send()
    chat.wait(lambda: [run.size for run in chat.runner.active()] == [6])
    chat.runner.abandon(sent.run_id, 7)
    [run] = chat.runner.active()
    assert not run.lost
    gate.set()
    chat.settle()
    assert bytes(run.texts["text"]) == b"Hello there"
