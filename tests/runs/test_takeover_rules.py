"""When a process is taken for gone, how many of its runs are taken at once, and what of them is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import gevent
import pytest

from tests.runs.conftest import Chat, MakeChat
from zgpt.core import clock
from zgpt.core.db import db
from zgpt.core.errors import Unavailable
from zgpt.llm.scripted import ScriptedProvider
from zgpt.realtime.redis_link import RedisAway
from zgpt.runs import takeover
from zgpt.runs.models import Run
from zgpt.runs.takeover import FENCE_TRIES, STEADY_S, Takeover


class House:
    """The log of a house in which only `alive` hold a lease; each fault spoils one question."""

    process_id = "me"

    def __init__(self, *faults: Exception) -> None:
        self.alive = {"me"}
        self.faults = list(faults)
        self.asked = 0

    def living(self, process_ids: Sequence[str]) -> set[str]:
        self._ask()
        return self.alive.intersection(process_ids)

    def take_run(self, run_id: str, epoch: int) -> dict[str, bytes] | None:
        self._ask()
        return {"text": b"abc", "reasoning": b""}

    def _ask(self) -> None:
        self.asked += 1
        if self.faults:
            raise self.faults.pop()


def left(chat: Chat, owner: str | None) -> str:
    """An open run that this process left, or let go."""
    sent = chat.ask()
    with chat.app.app_context():
        run = db.session.get_one(Run, sent.run_id)
        run.status, run.owner = "streaming", owner
        db.session.commit()
    return sent.run_id


@contextmanager
def watching(taking: Takeover) -> Iterator[None]:
    """It looks by itself."""
    looks = gevent.spawn(taking.run)
    try:
        yield
    finally:
        taking.stop()
        looks.join()


def test_who_has_no_lease_itself_judges_nobody_and_gives_the_others_a_moment(chat: Chat) -> None:
    house = House()
    taking = Takeover(chat.runner, chat.provider, house)
    run_id = left(chat, "gone")
    house.alive = set()
    with clock.moved(STEADY_S + 1):
        assert taking.look() == 0
        house.alive = {"me"}
        assert taking.look() == 0
        with clock.moved(STEADY_S):
            assert taking.look() == 1
            chat.settle()
    assert chat.run(run_id).epoch == 2


def test_who_died_here_is_not_given_time_for_its_lease(chat: Chat) -> None:
    run_id, house = left(chat, "gone"), House()
    house.alive = {"me", "gone"}
    assert Takeover(chat.runner, chat.provider, house).look() == 0
    assert Takeover(chat.runner, chat.provider, house, lambda _: {"gone"}).look() == 1
    chat.settle()
    assert chat.run(run_id).epoch == 2


def test_what_is_too_much_for_one_look_is_taken_by_the_next_without_a_pause(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "AT_ONCE", 1)
    monkeypatch.setattr(takeover, "LOOK_S", 60)
    runs = [left(chat, None) for _ in range(2)]
    taking = Takeover(chat.runner, chat.provider, House())
    with watching(taking):
        taking.wake()
        chat.wait(lambda: all(chat.run(run_id).status == "completed" for run_id in runs))


def test_while_the_log_is_away_nobody_is_taken_for_gone(chat: Chat) -> None:
    taking = Takeover(chat.runner, chat.provider, House(RedisAway("away")))
    left(chat, "gone")
    with clock.moved(STEADY_S):
        assert (taking.look(), taking.look()) == (0, 0)
        with clock.moved(STEADY_S):
            assert taking.look() == 1
            chat.settle()


def test_who_stood_still_itself_judges_nobody_for_a_moment(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "LOOK_S", 0.05)
    run_id, house = left(chat, "gone"), House()
    taking = Takeover(chat.runner, chat.provider, house)
    with watching(taking):
        gevent.sleep(0)
        with clock.moved(takeover.FROZEN_S + 1):
            chat.wait(lambda: house.asked >= 2)
            assert chat.run(run_id).epoch == 1


@pytest.mark.parametrize("fault", [Unavailable(), RuntimeError("broken")], ids=["away", "broken"])
def test_a_look_that_fails_is_followed_by_the_next(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(takeover, "LOOK_S", 0.01)
    run_id, house = left(chat, "gone"), House(fault)
    taking = Takeover(chat.runner, chat.provider, house)
    with clock.moved(STEADY_S), watching(taking):
        chat.wait(lambda: chat.run(run_id).status == "completed")
    assert house.faults == []


@pytest.mark.parametrize(
    ("owner", "away", "asked", "kept"),
    [("gone", 1, 2, b"abc"), ("gone", FENCE_TRIES, FENCE_TRIES, b"ab"), (None, 1, 1, b"ab")],
    ids=["away for a moment", "away for long", "let go, so that the checkpoint is whole"],
)
def test_a_log_that_is_away_is_waited_for_as_long_as_it_is_worth(
    monkeypatch: pytest.MonkeyPatch, owner: str | None, away: int, asked: int, kept: bytes
) -> None:
    monkeypatch.setattr(takeover, "FENCE_PAUSE_S", 0)
    house = House(*(RedisAway("away") for _ in range(away)))
    taking = Takeover(None, None, house)  # type: ignore[arg-type]
    found = taking._kept(Run(id="r", epoch=2, text_kept="ab", reasoning_kept=""), owner)
    assert (found["text"], house.asked) == (kept, asked)


def test_what_the_process_before_kept_until_the_claim_is_not_lost(make_chat: MakeChat) -> None:
    chat = make_chat(ScriptedProvider(can_continue=True))
    run_id, kept = left(chat, "gone"), "shown while Redis was away"
    seen = chat.run(run_id)
    with chat.app.app_context():
        db.session.get_one(Run, run_id).text_kept = kept
        db.session.commit()
    assert Takeover(chat.runner, chat.provider, House())._take_all([(seen.id, seen.epoch, seen.owner)]) == 1
    chat.settle()
    assert chat.provider.prompts[-1].continue_text == kept


def test_a_run_that_was_claimed_is_on_its_way_until_it_is_written(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, on_its_way = left(chat, "gone"), []
    taking = Takeover(chat.runner, chat.provider, House())
    monkeypatch.setattr(taking, "_take", lambda *_: on_its_way.append(chat.runner.has(run_id)))
    assert (taking._take_all([(run_id, 1, "gone")]), on_its_way) == (1, [True])
    assert not chat.runner.has(run_id)
