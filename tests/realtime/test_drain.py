"""What is told when the process is about to exit."""

import pytest

from zgpt.realtime import drain


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "drain_callbacks", [])
    monkeypatch.setattr(drain, "leave_callbacks", [])
    monkeypatch.setattr(drain, "_draining", False)


def test_callbacks_run_in_order_even_after_one_that_fails() -> None:
    told = []

    @drain.on_drain
    def first() -> None:
        told.append(("first", drain.draining()))

    @drain.on_drain
    def broken() -> None:
        raise ValueError("a callback that fails")

    drain.on_drain(lambda: told.append(("last", True)))
    assert not drain.draining()
    drain.drain()
    assert told == [("first", True), ("last", True)]
    first()
    assert len(told) == 3, "the decorated function is still itself"


def test_what_is_to_be_done_before_runs_while_the_process_still_serves() -> None:
    told = []
    drain.on_leave(lambda: told.append(drain.draining()))
    drain.leave()
    assert told == [False]
