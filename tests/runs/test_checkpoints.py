"""When the text of running answers is kept."""

from collections.abc import Iterator

import gevent
import pytest
from gevent.event import Event

from tests.runs.doubles import active_run
from zgpt.core.errors import Unavailable
from zgpt.llm.base import StreamEnd
from zgpt.runs.active import UNSAVED_BYTES, ActiveRun
from zgpt.runs.checkpoints import SLICE_BYTES, SLICE_RUNS, Checkpointer


class Saved:
    """Where checkpoints go; `faults` are raised first, one per checkpoint."""

    def __init__(self, *faults: Exception) -> None:
        self.texts: list[list[bytes]] = []
        self.came = Event()
        self._faults = list(faults)

    def __call__(self, runs: list[ActiveRun]) -> None:
        self.came.set()
        if self._faults:
            raise self._faults.pop(0)
        self.texts.append([bytes(run.texts["text"]) for run in runs])
        for run in runs:
            run.saved_bytes = run.size


@pytest.fixture
def urgent() -> Event:
    return Event()


def _running(run: ActiveRun, saved: Saved, urgent: Event, every_s: float) -> Iterator[Checkpointer]:
    checkpointer = Checkpointer(lambda: [run], saved, urgent, every_s)
    working = gevent.spawn(checkpointer.run)
    yield checkpointer
    checkpointer.stop()
    working.get(timeout=2)


def test_text_is_kept_after_the_interval(urgent: Event) -> None:
    run, saved = active_run(urgent=urgent), Saved()
    for _ in _running(run, saved, urgent, 0.02):
        run.on_delta("text", b"Hello")
        assert saved.came.wait(2)
    assert saved.texts == [[b"Hello"]]


def test_much_text_is_kept_before_the_interval_is_over(urgent: Event) -> None:
    run, saved = active_run(urgent=urgent), Saved()
    for _ in _running(run, saved, urgent, 60):
        run.on_delta("text", b"x" * (UNSAVED_BYTES + 1))
        assert saved.came.wait(2)


def test_a_run_without_new_text_is_not_kept_again(urgent: Event) -> None:
    run, saved = active_run(urgent=urgent), Saved()
    checkpointer = Checkpointer(lambda: [run], saved, urgent, 1)
    checkpointer.save_now()
    run.on_delta("text", b"x")
    checkpointer.save_now()
    checkpointer.save_now()
    assert saved.texts == [[b"x"]]


def test_a_run_that_has_ended_is_left_to_its_end(urgent: Event) -> None:
    run, saved = active_run(urgent=urgent), Saved()
    run.on_delta("text", b"x")
    run.on_end(StreamEnd("stop"))
    Checkpointer(lambda: [run], saved, urgent, 1).save_now()
    assert saved.texts == []


@pytest.mark.parametrize("fault", [Unavailable(), RuntimeError("broken")], ids=["away", "broken"])
def test_a_checkpoint_that_fails_is_made_up_for_by_the_next(urgent: Event, fault: Exception) -> None:
    run, saved = active_run(urgent=urgent), Saved(fault)
    checkpointer = Checkpointer(lambda: [run], saved, urgent, 1)
    run.on_delta("text", b"one ")
    checkpointer.save_now()
    run.on_delta("text", b"two")
    checkpointer.save_now()
    assert saved.texts == [[b"one two"]]


def test_stopping_ends_it_at_once(urgent: Event) -> None:
    checkpointer = Checkpointer(list, Saved(), urgent, 60)
    working = gevent.spawn(checkpointer.run)
    gevent.sleep(0)
    checkpointer.stop()
    working.get(timeout=2)


def _long_runs(count: int, size: int, urgent: Event) -> list[ActiveRun]:
    runs = [active_run(urgent=urgent) for _ in range(count)]
    for run in runs:
        run.on_delta("text", b"x" * size)
    return runs


def test_much_text_is_kept_in_slices_between_which_the_loop_goes_on(urgent: Event) -> None:
    runs, saved = _long_runs(5, SLICE_BYTES // 2, urgent), Saved()
    turns: list[int] = []

    def save(slice_: list[ActiveRun]) -> None:
        saved(slice_)
        gevent.get_hub().loop.run_callback(turns.append, len(saved.texts))

    Checkpointer(lambda: runs, save, urgent, 1).save_now()
    assert [len(texts) for texts in saved.texts] == [2, 2, 1]
    assert turns == [1, 2, 3]


def test_many_short_answers_are_kept_in_slices_too(urgent: Event) -> None:
    runs, saved = _long_runs(SLICE_RUNS + 1, 1, urgent), Saved()
    Checkpointer(lambda: runs, saved, urgent, 1).save_now()
    assert [len(texts) for texts in saved.texts] == [SLICE_RUNS, 1]


def test_an_answer_longer_than_a_slice_is_one_of_its_own(urgent: Event) -> None:
    runs, saved = _long_runs(2, SLICE_BYTES + 1, urgent), Saved()
    Checkpointer(lambda: runs, saved, urgent, 1).save_now()
    assert [len(texts) for texts in saved.texts] == [1, 1]


def test_an_answer_that_ends_while_others_are_kept_is_left_to_its_end(urgent: Event) -> None:
    runs, saved = _long_runs(2, SLICE_BYTES, urgent), Saved()

    def save(slice_: list[ActiveRun]) -> None:
        saved(slice_)
        runs[1].on_end(StreamEnd("stop"))

    Checkpointer(lambda: runs, save, urgent, 1).save_now()
    assert len(saved.texts) == 1


def test_a_database_that_is_away_is_not_asked_once_per_slice(urgent: Event) -> None:
    runs, saved = _long_runs(2, SLICE_BYTES, urgent), Saved(Unavailable())
    Checkpointer(lambda: runs, saved, urgent, 1).save_now()
    assert saved.texts == []


def test_a_slice_that_breaks_does_not_keep_the_others(urgent: Event) -> None:
    runs, saved = _long_runs(2, SLICE_BYTES, urgent), Saved(RuntimeError("broken"))
    Checkpointer(lambda: runs, saved, urgent, 1).save_now()
    assert [len(texts) for texts in saved.texts] == [1]


def test_a_process_that_ends_leaves_the_rest_to_its_drain(urgent: Event) -> None:
    runs, saved = _long_runs(2, SLICE_BYTES, urgent), Saved()
    checkpointer = Checkpointer(lambda: runs, saved, urgent, 1)
    checkpointer.stop()
    checkpointer.save_now()
    assert len(saved.texts) == 1
