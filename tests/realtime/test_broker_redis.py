"""Runs that Redis, or this process, has let go of: nothing more is said or shown of them, and the others go on."""

from contextlib import closing

import gevent
import pytest
import redis

from tests.realtime.redis_house import Process, wait
from tests.support.delivery import RUN, SESSION, USER, ended, head
from tests.support.services import RedisServer
from zgpt.realtime import broker_redis
from zgpt.realtime.broker_redis import RedisBroker
from zgpt.realtime.protocol import MessageDeleted
from zgpt.realtime.redis_link import RedisAway

EVENT = MessageDeleted(SESSION, "m", 4)


def heard_by(there: Process, here: Process) -> None:
    """Wait until everything that was said here so far has been heard there."""
    other = there.device()
    here.broker.publish(USER, None, EVENT)
    wait(lambda: other.offered)


def test_the_end_of_a_run_that_another_process_has_taken_is_not_told(here: Process, there: Process) -> None:
    _, link = here.view(SESSION)
    here.broker.open_run(head(), {})
    wait(lambda: here.hub.live_run(RUN))
    here.broker.abandon(RUN, 1)
    here.broker.end_run(RUN, 1, ended())
    here.broker.drop_run(RUN, 1)
    heard_by(there, here)
    assert "run.completed" not in link.types
    assert here.run(RUN).end is None


def test_a_run_that_is_abandoned_before_it_was_written_is_never_opened(here: Process, there: Process) -> None:
    here.broker.open_run(head(), {"text": b"kept"})
    here.broker.abandon(RUN, 1)
    heard_by(there, here)
    assert here.hub.live_run(RUN) is None
    assert here.broker.read_run(RUN, 1) is None


def test_what_is_said_of_an_older_epoch_is_ignored(here: Process, there: Process) -> None:
    here.broker.open_run(head(2), {})
    here.broker.append(RUN, 1, "text", 0, b"old")
    here.broker.abandon(RUN, 1)
    here.broker.append(RUN, 2, "text", 0, b"new")
    heard_by(there, here)
    assert here.run(RUN).parts["text"].data == b"new"


def test_text_goes_on_in_one_write_or_in_the_next(here: Process) -> None:
    here.broker.open_run(head(), {})
    for at, word in enumerate([b"a", b"b"]):
        here.broker.append(RUN, 1, "text", at, word)
    wait(lambda: here.hub.live_run(RUN) and here.run(RUN).parts["text"].data == b"ab")
    here.broker.append(RUN, 1, "text", 2, b"c")
    wait(lambda: here.run(RUN).parts["text"].data == b"abc")
    assert here.broker.read_run(RUN, 1) == {"reasoning": b"", "text": b"abc"}


def test_a_run_that_was_lost_twice_at_once_is_written_again_once(here: Process, redis_url: str) -> None:
    here.broker.open_run(head(), {})
    wait(lambda: here.hub.live_run(RUN))
    with redis.Redis.from_url(redis_url) as operator:
        operator.flushdb()
    here.broker.append(RUN, 1, "reasoning", 0, b"one")
    here.broker.append(RUN, 1, "text", 0, b"two")
    wait(lambda: here.run(RUN).parts["text"].data)
    assert [own.head for own in here.broker._unlogged] == [head()]
    wait(lambda: here.broker.read_run(RUN, 1) == {"reasoning": b"one", "text": b"two"})


def test_a_fenced_run_is_given_up_once_however_much_of_it_was_on_its_way(here: Process, there: Process) -> None:
    here.broker.open_run(head(), {})
    wait(lambda: here.hub.live_run(RUN))
    there.broker.take_run(RUN, 2)
    here.broker.append(RUN, 1, "reasoning", 0, b"one")
    here.broker.append(RUN, 1, "text", 0, b"two")
    heard_by(there, here)
    assert here.fenced == [(RUN, 1)]
    assert here.run(RUN).parts["reasoning"].data == here.run(RUN).parts["text"].data == b""


def test_a_run_that_is_forgotten_here_is_not_written_again_and_the_others_are(here: Process, redis_url: str) -> None:
    for run_id in (RUN, "next"):
        here.broker.open_run(head(run_id=run_id), {"text": b"kept "})
    wait(lambda: here.hub.live_run(RUN) and here.hub.live_run("next"))
    here.hub.run_dropped(RUN, 1)
    with redis.Redis.from_url(redis_url) as operator:
        operator.flushdb()
    for run_id in (RUN, "next"):
        here.broker.append(run_id, 1, "text", 5, b"more")
    wait(lambda: here.broker.read_run("next", 1) == {"reasoning": b"", "text": b"kept more"})
    assert here.broker.read_run(RUN, 1) is None


def test_a_question_does_not_wait_long_behind_another(here: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_redis, "TIMEOUT_S", 0.05)
    first = gevent.spawn(here.broker.ask, [("BLPOP", "nothing", 0.3)])
    gevent.sleep(0)
    with pytest.raises(RedisAway, match="too many"):
        here.broker.ask([("PING",)])
    assert first.get() == [None]
    assert here.broker.ask([("PING",)]) == [b"PONG"]


def test_a_fault_in_one_round_does_not_end_the_renewing_of_the_lease(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_redis, "RETRY_S", 0.01)
    process, faults = Process(redis_url), [RuntimeError("broken")]
    tend = process.broker._tend_once

    def broken_once() -> None:
        if faults:
            raise faults.pop()
        tend()

    monkeypatch.setattr(process.broker, "_tend_once", broken_once)
    process.start()
    try:
        wait(lambda: not faults and process.broker._writer.sure)
    finally:
        process.broker.close()


@pytest.mark.parametrize("refused", ["exists", "evalsha"])
def test_a_redis_that_refuses_to_answer_proves_nothing(redis_server: RedisServer, refused: str) -> None:
    with redis.Redis.from_url(redis_server.url) as operator:
        operator.execute_command("ACL", "SETUSER", "weak", "on", ">word", "~*", "&*", "+@all", f"-{refused}")
    broker = RedisBroker(redis_server.url.replace("//", "//weak:word@"), "process", lambda _run_id: None)
    with closing(broker), pytest.raises(RedisAway, match="NOPERM"):
        broker.living(["another"]) if refused == "exists" else broker.take_run(RUN, 2)


def test_a_process_says_goodbye_once(here: Process, there: Process) -> None:
    assert there.ear is not None
    released: list[bool] = []
    there.ear.on_released = lambda: released.append(True)
    here.broker.close()
    here.broker.close()
    wait(lambda: released)
    assert there.broker.living([here.broker.process_id]) == set()


def test_a_run_that_begins_anew_here_is_written_in_its_new_epoch_only(here: Process) -> None:
    here.broker.open_run(head(), {})
    here.broker.open_run(head(2), {"text": b"kept"})
    here.broker.append(RUN, 1, "text", 0, b"of the old one")
    here.broker.append(RUN, 2, "text", 4, b" and more")
    wait(lambda: here.hub.live_run(RUN) and here.run(RUN).parts["text"].data == b"kept and more")
    assert here.broker.read_run(RUN, 2) == {"reasoning": b"", "text": b"kept and more"}
