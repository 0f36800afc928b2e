"""One run while it is written: its text, its deadlines, and that it ends exactly once."""

from hashlib import sha256

import gevent
import pytest
from gevent.event import Event

from tests.runs.doubles import Log, active_run, deadlines
from zgpt.core import clock
from zgpt.llm.base import ProviderError, StreamEnd, Usage
from zgpt.runs import active
from zgpt.runs.active import Fault, Outcome

BROKEN = ProviderError("provider_failed", "The model's server failed.", True)


def test_deltas_are_appended_at_the_offset_where_they_start() -> None:
    log = Log()
    run = active_run(log)
    run.on_delta("reasoning", b"Hm")
    run.on_delta("text", "é".encode())
    run.on_delta("text", b"x")
    assert log.appended == [("reasoning", 0, b"Hm"), ("text", 0, "é".encode()), ("text", 2, b"x")]
    assert (run.size, run.deltas) == (5, 3)


def test_a_continued_answer_goes_on_behind_the_kept_text() -> None:
    log = Log()
    run = active_run(log, text=b"Hello")
    run.on_delta("text", b" world")
    assert log.appended == [("text", 5, b" world")]


def test_a_nul_is_replaced_for_postgresql_holds_none() -> None:
    log = Log()
    run = active_run(log)
    run.on_delta("text", b"a\0b\0")
    assert log.appended == [("text", 0, "a\ufffdb\ufffd".encode())]
    assert run.size == len("a\ufffdb\ufffd".encode())


def test_ends_and_digests_tell_of_each_part_that_has_text() -> None:
    run = active_run()
    run.on_delta("text", "é".encode())
    assert run.ends() == {"text": 2}
    assert run.digests() == {"text": sha256("é".encode()).hexdigest()}


def test_an_end_completes_the_run_with_its_usage() -> None:
    run = active_run()
    run.on_delta("text", b"x")
    run.on_end(StreamEnd("stop", Usage(3, 1)))
    assert run.outcome == Outcome("completed", None, Usage(3, 1))


def test_an_answer_without_a_word_is_a_failure_that_can_be_tried_again() -> None:
    run = active_run()
    run.on_end(StreamEnd("stop", Usage(3, 0)))
    assert run.outcome
    assert run.outcome.fault
    assert (run.outcome.status, run.outcome.fault.code, run.outcome.fault.retryable) == (
        "failed",
        "provider_empty",
        True,
    )


def test_a_continuation_that_adds_nothing_is_complete() -> None:
    run = active_run(text=b"All of it.")
    run.on_end(StreamEnd("stop"))
    assert run.outcome == Outcome("completed")


def test_a_provider_error_fails_the_run_in_its_words() -> None:
    run = active_run()
    run.on_error(BROKEN)
    assert run.outcome == Outcome("failed", Fault("provider_failed", "The model's server failed.", True))


def test_the_first_to_settle_is_right() -> None:
    run = active_run()
    run.on_delta("text", b"x")
    run.stop()
    run.on_end(StreamEnd("stop"))
    run.on_error(BROKEN)
    assert run.outcome == Outcome("stopped")


def test_nothing_is_added_after_the_end() -> None:
    log = Log()
    run = active_run(log)
    run.stop()
    run.on_delta("text", b"late")
    assert (log.appended, run.size) == ([], 0)


def test_a_frozen_run_takes_no_more_text() -> None:
    log = Log()
    run = active_run(log)
    run.frozen = True
    run.on_delta("text", b"late")
    assert log.appended == []


def test_an_endless_answer_is_cut_at_the_limit_and_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active, "ANSWER_BYTES", 10)
    run = active_run()
    run.on_delta("text", b"x" * 10)
    assert run.outcome is None
    run.on_delta("text", b"y")
    assert run.outcome == Outcome("completed")
    assert run.ends() == {"text": 11}


def test_much_unsaved_text_asks_for_a_checkpoint_at_once() -> None:
    urgent = Event()
    run = active_run(urgent=urgent)
    run.on_delta("text", b"x" * active.UNSAVED_BYTES)
    assert not urgent.is_set()
    run.on_delta("text", b"x")
    assert urgent.is_set()


@pytest.mark.parametrize(
    ("limits", "said", "words"),
    [
        (deadlines(first_token_s=0.02), False, "The model did not answer within 0.02 s."),
        (deadlines(idle_s=0.02), True, "The model broke off and said nothing for 0.02 s."),
        (deadlines(total_s=0.02), True, "The model did not finish its answer within 0.02 s."),
        (deadlines(total_s=0.02), False, "The model did not finish its answer within 0.02 s."),
    ],
    ids=["first token", "between tokens", "total", "total before the first token"],
)
def test_each_deadline_fails_the_run_in_words(limits: active.Deadlines, said: bool, words: str) -> None:
    run = active_run()
    if said:
        run.on_delta("text", b"x")
    outcome = run.wait(limits)
    assert outcome.status == "failed"
    assert outcome.fault
    assert (outcome.fault.code, outcome.fault.retryable) == ("provider_timeout", True)
    assert outcome.fault.message.startswith(words)


def test_a_model_that_stalls_is_given_up_long_before_it_would_have_had_to_begin() -> None:
    run = active_run()
    waiting = gevent.spawn(run.wait, deadlines(first_token_s=60, idle_s=0.05, total_s=60))
    gevent.sleep(0.02)
    run.on_delta("text", b"x")
    fault = waiting.get(timeout=5).fault
    assert fault
    assert fault.code == "provider_timeout"


def test_a_slow_answer_that_goes_on_is_not_late() -> None:
    run = active_run()
    waiting = gevent.spawn(run.wait, deadlines(first_token_s=0.1, idle_s=0.1))
    for _ in range(4):
        gevent.sleep(0.05)
        run.on_delta("text", b"x")
    run.on_end(StreamEnd("stop"))
    assert waiting.get(timeout=1).status == "completed"


def test_the_deadlines_count_from_the_turn_and_not_from_the_queue() -> None:
    run = active_run()
    with clock.moved(100):
        run.begin()
        run.on_delta("text", b"x")
        run.on_end(StreamEnd("stop"))
        assert run.wait(deadlines(total_s=50)).status == "completed"
        assert run.began_s > clock.monotonic() - 50


def test_a_wait_ends_when_the_person_stops() -> None:
    run = active_run()
    waiting = gevent.spawn(run.wait, deadlines())
    gevent.sleep(0)
    run.stop()
    assert waiting.get(timeout=1) == Outcome("stopped")


def test_a_failure_before_the_first_word_can_be_tried_again() -> None:
    run = active_run()
    run.on_error(BROKEN)
    assert run.retry()
    run.on_delta("text", b"x")
    run.on_end(StreamEnd("stop"))
    assert run.wait(deadlines()).status == "completed"


@pytest.mark.parametrize("fault", ["shown", "final", "none", "stopped"])
def test_a_failure_stands_when_text_was_shown_or_trying_cannot_help(fault: str) -> None:
    run = active_run()
    if fault == "shown":
        run.on_delta("text", b"x")
    if fault == "stopped":
        run.stop()
    elif fault != "none":
        run.on_error(ProviderError("provider_rejected", "No.", retryable=fault == "shown"))
    outcome = run.outcome
    assert not run.retry()
    assert run.outcome is outcome


def test_a_rest_between_two_tries_ends_at_once_when_the_person_stops() -> None:
    run = active_run()
    run.on_error(BROKEN)
    assert run.retry()
    resting = gevent.spawn(run.rest, 30.0)
    gevent.sleep(0)
    run.stop()
    resting.get(timeout=1)
