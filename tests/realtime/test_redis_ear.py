"""What a process makes of what the others say, and of what it cannot make anything of."""

import gevent
import msgspec
import pytest
import redis

from tests.realtime.redis_house import Process, lose, told_of_a_run, wait
from tests.support.delivery import RUN, SESSION, USER, ended, head
from zgpt.core import clock
from zgpt.realtime import bus
from zgpt.realtime.protocol import MessageDeleted
from zgpt.realtime.redis_ear import RedisEar
from zgpt.realtime.redis_link import RedisAway, RedisLink

EVENT = MessageDeleted(SESSION, "m", 4)


def test_a_run_that_was_dropped_is_forgotten_everywhere(here: Process, there: Process) -> None:
    told_of_a_run(here, there)
    here.broker.drop_run(RUN, 1)
    wait(lambda: there.hub.live_run(RUN) is None)


@pytest.mark.parametrize(
    "message",
    [
        b"\xc1",
        msgspec.msgpack.encode(["novel", "somebody", 1]),
        bus.encode(bus.TextAppended("somebody", head(), "picture", 0, b"\x89PNG")),
    ],
    ids=["not msgpack", "of an unknown kind", "for an unknown part"],
)
def test_a_message_that_cannot_be_taken_in_does_not_end_the_hearing(
    here: Process, there: Process, redis_url: str, message: bytes
) -> None:
    link = told_of_a_run(here, there)
    with redis.Redis.from_url(redis_url) as newer:
        assert newer.publish(bus.channel(USER), message) == 2
    here.broker.append(RUN, 1, "text", 0, b"heard")
    wait(lambda: link.text() == "heard")


def test_positions_of_a_run_that_nobody_looks_at_bring_nothing_here(here: Process, there: Process) -> None:
    other = there.device()
    here.broker.open_run(head(), {"text": b"kept"})
    wait(lambda: here.hub.live_run(RUN))
    here.broker._tell_positions()
    here.broker.publish(USER, None, EVENT)
    wait(lambda: other.offered)
    assert there.ear is not None
    assert not there.ear._reader._loads
    assert there.hub.live_run(RUN) is None


def test_positions_of_a_run_that_is_here_whole_bring_nothing_more(here: Process, there: Process) -> None:
    _, link = there.view(SESSION)
    here.broker.open_run(head(), {"text": b"kept"})
    wait(lambda: link.text() == "kept")
    assert there.ear is not None
    with clock.moved(1):
        assert there.ear.silent(1.0) == [RUN]
        here.broker._tell_positions()
        here.broker.publish(USER, SESSION, EVENT)
        wait(lambda: "message.deleted" in link.types)
        assert there.ear.silent(1.0) == []
    assert not there.ear._reader._loads


def test_a_run_that_has_ended_is_not_silent(here: Process, there: Process) -> None:
    link = told_of_a_run(here, there)
    assert there.ear is not None
    assert there.ear.silent(0.0) == [RUN]
    here.broker.end_run(RUN, 1, ended())
    wait(lambda: "run.completed" in link.types)
    assert there.ear.silent(0.0) == []


def test_an_end_behind_text_that_was_lost_is_shown_with_that_text(here: Process, there: Process) -> None:
    link = told_of_a_run(here, there)
    lose(here, there, b"lost")
    here.broker.end_run(RUN, 1, ended(text="lost"))
    wait(lambda: "run.completed" in link.types)
    assert "run.delta" in link.types
    assert there.run(RUN).end == ended(text="lost")


def test_a_fault_of_ours_does_not_end_the_hearing(
    here: Process, there: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert there.ear is not None
    faults = [RuntimeError("broken")]

    def broken_once(reply: object) -> None:
        if faults:
            raise faults.pop()
        take(reply)

    take = there.ear._take
    monkeypatch.setattr(there.ear, "_take", broken_once)
    link = there.device()
    here.broker.publish(USER, None, EVENT)
    wait(lambda: not faults)

    def heard() -> bool:
        here.broker.publish(USER, None, EVENT)
        return bool(link.offered)

    wait(heard)


def test_a_burst_of_messages_leaves_the_rest_of_the_process_its_turns(
    there: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    burst, turns = iter(range(1_000)), [0]

    def other() -> None:
        while next(burst, None) is not None:
            turns[0] += 1
            gevent.sleep(0)

    def read(_link: RedisLink, _timeout_s: float) -> None:
        if next(burst, None) is None:
            raise RedisAway("the end")

    monkeypatch.setattr(RedisLink, "read", read)
    ear = RedisEar("redis://", "process", there.hub, lambda *_: None)
    monkeypatch.setattr(ear._link, "pipeline", list)
    bystander, hearing = gevent.spawn(other), gevent.spawn(ear.run)
    bystander.join(5)
    hearing.kill()
    assert turns[0] > 5


def test_the_end_of_a_run_that_nobody_looks_at_any_more_is_not_waited_for(here: Process, there: Process) -> None:
    joined, _ = there.view(SESSION)
    here.broker.open_run(head(), {})
    wait(lambda: there.hub.live_run(RUN))
    lose(here, there, b"lost")
    there.hub.leave(joined)
    here.broker.end_run(RUN, 1, ended(text="lost"))
    wait(lambda: there.hub.live_run(RUN) is None)
