"""When the text of running answers is kept."""

from collections.abc import Iterator

import gevent
import pytest
from gevent.event import Event

from tests.runs.doubles import active_run
from zgpt.core.errors import Unavailable
from zgpt.llm.base import StreamEnd
from zgpt.runs.active import UNSAVED_BYTES, ActiveRun
from zgpt.runs.checkpoints import Checkpointer


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
