"""Turns: fair to users, with places told, and none lost."""

import gevent
import pytest
from gevent.event import Event

from zgpt.core.errors import Unavailable
from zgpt.llm import slots as slots_module
from zgpt.llm.slots import Slots


@pytest.fixture(autouse=True)
def places_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots_module, "PLACES_EVERY_S", 0.001)


class Run:
    """Somebody who takes a turn and keeps it until `go_on` is set."""

    def __init__(self, slots: Slots, key: str, user: str, order: list[str]) -> None:
        self.places: list[int] = []
        self.turn: bool | None = None
        self.go_on = Event()
        self.key = key
        self.order = order
        self.greenlet = gevent.spawn(self.run, slots, user)
        gevent.sleep(0)

    def run(self, slots: Slots, user: str) -> None:
        with slots.turn(self.key, user, self.places.append) as self.turn:
            if self.turn:
                self.order.append(self.key)
                self.go_on.wait()


def settle() -> None:
    gevent.sleep(0.01)


def test_free_slots_are_taken_at_once_and_tell_no_place() -> None:
    slots = Slots(2)
    runs = [Run(slots, key, "u", []) for key in ("a", "b")]
    assert [(run.turn, run.places) for run in runs] == [(True, []), (True, [])]
    assert (slots.running, slots.waiting) == (2, 0)


def test_one_user_with_fifty_runs_does_not_starve_another() -> None:
    slots, order = Slots(1), list[str]()
    runs = [Run(slots, f"a{n}", "ann", order) for n in range(50)]
    runs += [Run(slots, "b0", "bob", order), Run(slots, "b1", "bob", order), Run(slots, "c0", "cy", order)]
    for run in runs:
        run.go_on.set()
    gevent.joinall([run.greenlet for run in runs])
    assert order[:7] == ["a0", "a1", "b0", "c0", "a2", "b1", "a3"]
    assert sorted(order) == sorted(run.key for run in runs)
    assert (slots.running, slots.waiting) == (0, 0)


def test_who_waits_hears_the_place_and_every_change_of_it() -> None:
    slots, order = Slots(1), list[str]()
    first = Run(slots, "a0", "ann", order)
    a1, a2, a3 = (Run(slots, f"a{n}", "ann", order) for n in (1, 2, 3))
    b0 = Run(slots, "b0", "bob", order)
    settle()
    assert [run.places for run in (a1, a2, a3, b0)] == [[1], [2, 3], [3, 4], [2]]
    first.go_on.set()
    settle()
    assert (a1.turn, b0.places[-1], a2.places[-1], a3.places[-1]) == (True, 1, 2, 3)


def test_cancelling_lets_go_without_a_turn_and_moves_the_others() -> None:
    slots, order = Slots(1), list[str]()
    Run(slots, "a", "u", order)
    b, c = Run(slots, "b", "u", order), Run(slots, "c", "u", order)
    slots.cancel("b")
    slots.cancel("b")
    slots.cancel("nobody")
    settle()
    assert (b.turn, b.greenlet.dead, c.places) == (False, True, [2, 1])
    assert slots.waiting == 1


def test_a_waiter_that_is_killed_leaves_the_queue() -> None:
    slots, order = Slots(1), list[str]()
    a, b, c = (Run(slots, key, "u", order) for key in "abc")
    b.greenlet.kill()
    a.go_on.set()
    settle()
    assert (order, c.turn) == (["a", "c"], True)


def test_a_turn_given_to_one_that_is_killed_in_the_same_moment_goes_on() -> None:
    slots, order = Slots(1), list[str]()
    a, b, c = (Run(slots, key, "u", order) for key in "abc")
    a.go_on.set()
    gevent.spawn(lambda: None).join()
    b.greenlet.kill(block=False)
    settle()
    b.go_on.set()
    settle()
    assert c.turn
    c.go_on.set()
    settle()
    assert slots.running == 0


def test_a_turn_that_breaks_is_given_on() -> None:
    slots = Slots(1)

    def breaks() -> None:
        with slots.turn("a", "u", lambda place: None):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        breaks()
    assert slots.running == 0


def test_too_many_waiting_is_refused_as_busy() -> None:
    slots, order = Slots(1, max_waiting=1), list[str]()
    Run(slots, "a", "u", order)
    Run(slots, "b", "u", order)
    with pytest.raises(Unavailable) as caught, slots.turn("c", "u", lambda place: None):
        pass
    assert (caught.value.code, caught.value.retryable) == ("busy", True)


def test_a_listener_that_breaks_costs_nobody_the_turn() -> None:
    slots, order = Slots(1), list[str]()
    a = Run(slots, "a", "u", order)
    b = Run(slots, "b", "u", order)
    b.places = None  # type: ignore[assignment]  # so that its own listener breaks

    def breaks(place: int) -> None:
        raise ValueError

    def wait() -> None:
        with slots.turn("c", "u", breaks):
            order.append("c")

    waiting = gevent.spawn(wait)
    settle()
    for run in (a, b):
        run.go_on.set()
    waiting.join(1)
    assert order == ["a", "b", "c"]
