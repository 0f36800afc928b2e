"""When new text leaves: the first at once, then gathered, later when the process lags."""

from collections.abc import Iterator

import gevent
import pytest
from gevent.event import Event

from tests.support.delivery import Link, head
from zgpt.core import clock
from zgpt.realtime import flush
from zgpt.realtime.flush import FlushClock
from zgpt.realtime.live import LiveRun

WINDOW_S = 0.03


class Run(LiveRun):
    """A run that remembers when it was flushed."""

    def __init__(self, run_id: str = "one") -> None:
        super().__init__(head(run_id=run_id), {})
        self.flushes: list[float] = []
        self.flushed = Event()
        self.breaks = False

    def flush(self) -> None:
        super().flush()
        self.flushes.append(clock.monotonic())
        self.flushed.set()
        if self.breaks:
            raise RuntimeError

    def say(self, flush_clock: FlushClock, text: str = "x") -> float:
        part = self.parts["text"]
        assert self.append(1, "text", len(part.data), text.encode())
        if not self.dirty:
            flush_clock.mark(self)
        self.flushed.clear()
        return clock.monotonic()


@pytest.fixture
def flush_clock() -> Iterator[FlushClock]:
    return_to = FlushClock(WINDOW_S)
    yield return_to
    gevent.sleep(0)


def test_the_first_token_leaves_at_once(flush_clock: FlushClock) -> None:
    run = Run()
    said_s = run.say(flush_clock)
    assert run.flushed.wait(1)
    assert run.flushes[0] - said_s < WINDOW_S / 2


def test_mark_itself_writes_nothing(flush_clock: FlushClock) -> None:
    run = Run()
    run.say(flush_clock)
    assert run.flushes == []


def test_tokens_within_a_window_are_gathered_into_one_frame(flush_clock: FlushClock) -> None:
    run, link = Run(), Link()
    run.add_cursor(link, {})
    run.say(flush_clock)
    assert run.flushed.wait(1)
    for _ in range(3):
        run.say(flush_clock)
        gevent.sleep(0)
    assert run.flushed.wait(1)
    assert [event["text"] for event in link.seen] == ["x", "xxx"]
    assert run.flushes[1] - run.flushes[0] >= WINDOW_S - flush.EARLY_S


def test_a_token_after_a_pause_leaves_at_once_again(flush_clock: FlushClock) -> None:
    run = Run()
    run.say(flush_clock)
    assert run.flushed.wait(1)
    gevent.sleep(WINDOW_S * 1.5)
    said_s = run.say(flush_clock)
    assert run.flushed.wait(1)
    assert run.flushes[1] - said_s < WINDOW_S / 2


def test_one_pass_serves_all_runs_that_are_ready(flush_clock: FlushClock) -> None:
    runs = [Run(str(index)) for index in range(3)]
    for run in runs:
        run.say(flush_clock)
    for run in runs:
        assert run.flushed.wait(1)
    assert len({run.flushed_at_s for run in runs}) == 1


def test_runs_with_different_last_flushes_each_keep_their_window(flush_clock: FlushClock) -> None:
    first, second = Run("1"), Run("2")
    first.say(flush_clock)
    assert first.flushed.wait(1)
    first.say(flush_clock)
    gevent.sleep(WINDOW_S / 2)
    second.say(flush_clock)
    assert second.flushed.wait(1)
    second.say(flush_clock)
    assert first.flushed.wait(1)
    assert second.flushed.wait(1)
    assert second.flushes[1] - second.flushes[0] >= WINDOW_S - flush.EARLY_S


def test_a_fault_of_one_run_does_not_keep_the_others_waiting(flush_clock: FlushClock) -> None:
    broken, sound = Run("1"), Run("2")
    broken.breaks = True
    broken.say(flush_clock)
    sound.say(flush_clock)
    assert sound.flushed.wait(1)
    broken.say(flush_clock)
    assert broken.flushed.wait(1)
    assert len(broken.flushes) == 2


def test_the_window_widens_while_the_process_lags_and_narrows_when_it_does_not(flush_clock: FlushClock) -> None:
    flush_clock._adapt(late_s=0.001)
    assert flush_clock.window_s == WINDOW_S
    flush_clock._adapt(late_s=0.018)
    assert flush_clock.window_s == pytest.approx(0.036)
    flush_clock._adapt(late_s=5.0)
    assert flush_clock.window_s == flush.WIDEST_WINDOW_S
    for _ in range(10):
        flush_clock._adapt(late_s=0.0)
    assert flush_clock.window_s == WINDOW_S


def test_a_busy_process_widens_the_window_and_an_idle_one_narrows_it(
    flush_clock: FlushClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = iter([flush_clock._used_s + seconds for seconds in (0.4, 1.1, 10, *[10] * 10)])
    monkeypatch.setattr(clock, "cpu", lambda: next(used))
    began_s = flush_clock._measured_s
    flush_clock._measure(began_s + 0.1)
    assert flush_clock.window_s == WINDOW_S
    flush_clock._measure(began_s + 1)
    assert flush_clock.window_s == WINDOW_S
    flush_clock._measure(began_s + 2)
    assert flush_clock.window_s == pytest.approx((WINDOW_S + flush.WIDEST_WINDOW_S) / 2)
    flush_clock._measure(began_s + 3)
    assert flush_clock.window_s == flush.WIDEST_WINDOW_S
    for second in range(4, 14):
        flush_clock._measure(began_s + second)
    assert flush_clock.window_s == WINDOW_S


def test_a_run_that_is_due_earlier_does_not_wait_for_one_that_is_due_later(flush_clock: FlushClock) -> None:
    late, early = Run("1"), Run("2")
    now_s = clock.monotonic()
    late.flushed_at_s, early.flushed_at_s = now_s, now_s - WINDOW_S / 2
    said_s = late.say(flush_clock)
    early.say(flush_clock)
    assert early.flushed.wait(1)
    assert early.flushes[0] - said_s < WINDOW_S * 0.9
    assert late.flushed.wait(1)


def test_a_window_that_an_operator_sets_wider_stays(flush_clock: FlushClock) -> None:
    wide = FlushClock(0.5)
    wide._adapt(late_s=9.0)
    assert wide.window_s == 0.5


def test_a_lag_of_the_loop_widens_the_window() -> None:
    flush_clock = FlushClock(0.005)
    run = Run()
    run.say(flush_clock)
    assert run.flushed.wait(1)
    run.say(flush_clock)
    until_s = clock.monotonic() + 0.03
    while clock.monotonic() < until_s:
        pass
    assert run.flushed.wait(1)
    assert flush_clock.window_s > 0.02


def test_later_calls_after_the_delay(flush_clock: FlushClock) -> None:
    called = Event()
    flush_clock.later(0.01, called.set)
    assert not called.is_set()
    assert called.wait(1)
