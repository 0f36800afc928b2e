"""Several processes: the run of one that has gone is taken by another, with all that was shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gevent
import pytest
import redis
from gevent.event import Event

from tests.runs.conftest import Chat, MakeChat
from zgpt.chat.models import Message
from zgpt.core.db import db
from zgpt.llm.scripted import Hold, Say, ScriptedProvider, Silence
from zgpt.realtime import bus
from zgpt.realtime.broker_redis import RedisBroker
from zgpt.runs import ending
from zgpt.runs.actions import Sent
from zgpt.runs.models import Run
from zgpt.runs.setup import start_runs, stop_runs
from zgpt.runs.takeover import Takeover

Start = Callable[..., Chat]


def broker_of(chat: Chat) -> RedisBroker:
    broker = chat.app.extensions["realtime"].broker
    assert isinstance(broker, RedisBroker)
    return broker


def die(chat: Chat, url: str) -> None:
    """As if killed: nothing of it runs or answers any more, and its lease expires."""
    for watcher in chat.app.extensions["runs_watchers"]:
        watcher.stop()
    chat.app.extensions["checkpointer"].stop()
    broker = broker_of(chat)
    gevent.killall(broker._greenlets)
    broker._writer.stop()
    broker._writer.away = True
    with redis.Redis.from_url(url) as server:
        server.delete(bus.process_key(broker.process_id))


@pytest.fixture
def start(make_chat: MakeChat, postgres_url: str, redis_url: str) -> Iterator[Start]:
    """Another process of the same house, whose model says this."""
    made: list[Chat] = []

    def make(*said: Say | Hold | Silence, can_continue: bool = True, settled: bool = True) -> Chat:
        provider = ScriptedProvider(can_continue=can_continue)
        provider.script(*said)
        made.append(make_chat(provider, DATABASE_URL=postgres_url, REDIS_URL=redis_url))
        start_runs(made[-1].app)
        takeover = made[-1].app.extensions["takeover"]
        if settled:
            takeover._steady_since_s -= 60
        return made[-1]

    yield make
    for chat in made:
        stop_runs(chat.app)


def begun(chat: Chat, size: int) -> Sent:
    """A question whose answer has come this far."""
    sent = chat.send()
    chat.wait(lambda: (live := chat.hub.live_run(sent.run_id)) and len(live.parts["text"].data) == size)
    return sent


def result(chat: Chat, sent: Sent) -> tuple[str, str, int]:
    """Status, text and epoch in the end."""
    chat.wait(lambda: chat.run(sent.run_id).status not in {"queued", "streaming"})
    run = chat.run(sent.run_id)
    return run.status, chat.row(Message, run.message_id).text, run.epoch


def test_the_answer_of_a_dead_process_goes_on_with_all_that_was_shown(start: Start, redis_url: str) -> None:
    first = start(Say("Once ", "upon "), Silence())
    sent = begun(first, 10)
    die(first, redis_url)
    second = start(Say("a time."))
    assert result(second, sent) == ("completed", "Once upon a time.", 2)
    assert second.provider.prompts[0].continue_text == "Once upon "
    assert second.run(sent.run_id).owner == second.runner.owner


def test_a_model_that_cannot_go_on_begins_anew_once(start: Start, redis_url: str) -> None:
    first = start(Say("Once ", "upon "), Silence())
    sent = begun(first, 10)
    die(first, redis_url)
    second = start(Say("There was a time."), can_continue=False)
    assert result(second, sent) == ("completed", "There was a time.", 2)


def test_a_process_that_ends_lets_go_and_another_goes_on_at_once(start: Start) -> None:
    first = start(Say("Once ", "upon "), Silence())
    second = start(Say("a time."))
    sent = begun(first, 10)
    stop_runs(first.app)
    assert result(second, sent) == ("completed", "Once upon a time.", 2)


def test_a_living_process_keeps_its_runs(start: Start) -> None:
    gate = Event()
    first = start(Say("Once "), Hold(gate), Say("more."))
    sent = begun(first, 5)
    second = start(settled=True)
    assert second.app.extensions["takeover"].look() == 0
    gate.set()
    assert result(first, sent) == ("completed", "Once more.", 1)


def test_of_two_that_try_one_wins(start: Start, redis_url: str) -> None:
    first = start(Say("Once "), Silence())
    sent = begun(first, 5)
    others = [start(Say("more.")) for _ in range(2)]
    die(first, redis_url)
    taken = [gevent.spawn(other.app.extensions["takeover"].look) for other in others]
    gevent.joinall(taken)
    assert result(others[0], sent) == ("completed", "Once more.", 2)
    assert sum(len(other.provider.prompts) for other in others) == 1


def test_nobody_is_taken_for_dead_before_the_others_had_time_to_renew_their_leases(
    start: Start, redis_url: str
) -> None:
    first = start(Say("Once "), Silence())
    begun(first, 5)
    with redis.Redis.from_url(redis_url) as server:
        server.flushall()
        second = start(settled=False)
        assert second.app.extensions["takeover"].look() == 0


def test_a_process_that_lost_a_run_stops_asking_the_model_and_writes_nothing(start: Start, redis_url: str) -> None:
    first = start(Say("Once "), Silence())
    sent = begun(first, 5)
    with redis.Redis.from_url(redis_url) as server:
        server.set(bus.process_key("somebody"), 1)
    assert first.do(ending.claim, sent.run_id, 1, "somebody") is not None
    first.wait(lambda: not first.runner.active())
    assert first.provider.streams[0].closed
    run = first.run(sent.run_id)
    assert (run.status, run.epoch, run.owner) == ("streaming", 2, "somebody")


def test_a_run_that_comes_back_to_its_first_owner_is_written_once(start: Start) -> None:
    first = start(Say("Once "), Silence())
    sent = begun(first, 5)
    first.provider.script(Say("more."))
    assert first.do(ending.claim, sent.run_id, 1, "dies at once") is not None
    assert result(first, sent) == ("completed", "Once more.", 3)
    first.wait(lambda: first.provider.streams[0].closed)


def test_a_stop_that_redis_lost_still_arrives(start: Start) -> None:
    first = start(Say("Once "), Silence())
    sent = begun(first, 5)
    with first.app.app_context():
        run = db.session.get_one(Run, sent.run_id)
        run.stop_requested_at = run.created_at
        db.session.commit()
    assert result(first, sent) == ("stopped", "Once ", 1)


def test_a_stop_from_another_process_arrives(start: Start) -> None:
    first = start(Say("Once "), Silence())
    second = start()
    sent = begun(first, 5)
    broker_of(second).request_stop(sent.run_id)
    assert result(first, sent) == ("stopped", "Once ", 1)


def test_a_run_that_was_claimed_by_a_process_that_died_at_once_keeps_its_text(start: Start, redis_url: str) -> None:
    first = start(Say("Once ", "upon "), Silence())
    sent = begun(first, 10)
    die(first, redis_url)
    assert first.do(ending.claim, sent.run_id, 1, "died at once") is not None
    second = start(Say("a time."))
    assert result(second, sent) == ("completed", "Once upon a time.", 3)


def test_the_longer_of_log_and_checkpoint_is_kept() -> None:
    class Log:
        process_id = "me"

        def living(self, process_ids: object) -> set[str]:
            raise AssertionError

        def take_run(self, run_id: str, epoch: int) -> dict[str, bytes] | None:
            return {"text": b"abc", "reasoning": b""}

    takeover = Takeover(None, None, Log())  # type: ignore[arg-type]
    assert takeover._kept(Run(id="r", epoch=2, text_kept="ab", reasoning_kept=""), "gone")["text"] == b"abc"
    assert takeover._kept(Run(id="r", epoch=2, text_kept="abcd", reasoning_kept=""), "gone")["text"] == b"abcd"
