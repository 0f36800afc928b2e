"""Time for many connections, wound by hand; what one of them does must not cost the others their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from gevent import get_hub

from zgpt.realtime.ticker import Ticker


class Member:
    """What the ticker looks at; `act` is what it does besides when it is called."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.called: list[str] = []
        self._act = act

    def beat(self, now: int) -> int:
        self.called.append("beat")
        self._act()
        return now + 1

    def expire(self) -> None:
        self.called.append("expire")
        self._act()


@pytest.fixture
def ticker() -> Iterator[Ticker]:
    made = Ticker(get_hub().loop, 1e6)
    yield made
    while made._members:
        made.leave(None)  # type: ignore[arg-type]  # whatever joins


def joined(ticker: Ticker, member: Member) -> Member:
    ticker.join(member, ticker.now + 1)  # type: ignore[arg-type]  # a double
    ticker.set_deadline(member, 1)  # type: ignore[arg-type]  # a double
    return member


def broken() -> None:
    raise RuntimeError("broken")


def test_one_that_fails_does_not_keep_the_next_from_its_beat_and_its_deadline(ticker: Ticker) -> None:
    joined(ticker, Member(broken))
    sound = joined(ticker, Member())
    ticker.tick()
    ticker.tick()
    assert sound.called == ["expire", "beat", "beat"]


def test_one_that_takes_another_along_at_its_deadline_takes_that_ones_deadline_too(ticker: Ticker) -> None:
    other, third = Member(), Member()
    joined(ticker, Member(lambda: ticker.leave(other)))  # type: ignore[arg-type]  # a double
    joined(ticker, other)
    joined(ticker, third)
    ticker.tick()
    assert "expire" not in other.called
    assert "expire" in third.called
