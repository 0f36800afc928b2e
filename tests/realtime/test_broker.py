"""The contract of every Broker: what a sink in each process may rely on. A new one needs one line in BROKERS."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gevent
import msgspec
import pytest

from tests.realtime.redis_house import serving
from tests.support.delivery import RUN, SESSION, USER, ended, head
from zgpt.realtime.broker import Broker, MemoryBroker
from zgpt.realtime.broker_redis import RedisBroker
from zgpt.realtime.live import RunHead
from zgpt.realtime.protocol import MessageDeleted, RunCompleted

MakeBroker = Callable[[pytest.FixtureRequest], Broker]
BROKERS: dict[str, MakeBroker] = {
    "memory": lambda _request: MemoryBroker(),
    "redis": lambda request: serving(request.getfixturevalue("redis_url")),
}
ARRIVES_WITHIN_S = 5.0
EVENT = MessageDeleted(SESSION, "m", 4)


class Sink:
    """Remembers what it was told, in order; the log is what a late reader would be given."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def run_opened(self, head: RunHead, kept: Mapping[str, bytes]) -> None:
        self.told.append(("opened", head, dict(kept)))

    def text_appended(self, run_id: str, epoch: int, part: str, at: int, data: bytes) -> None:
        self.told.append(("text", run_id, epoch, part, at, bytes(data)))

    def run_ended(self, run_id: str, epoch: int, end: RunCompleted) -> None:
        self.told.append(("ended", run_id, epoch, end))

    def run_dropped(self, run_id: str, epoch: int) -> None:
        self.told.append(("dropped", run_id, epoch))

    def event_published(self, user_id: str, session_id: str | None, payload: bytes) -> None:
        self.told.append(("event", user_id, session_id, msgspec.json.decode(payload)))

    def login_revoked(self, user_id: str, login_id: str | None, code: int) -> None:
        self.told.append(("revoked", user_id, login_id, code))

    def stop_requested(self, run_id: str) -> None:
        self.told.append(("stop", run_id))

    def wait_for(self, count: int) -> list[tuple[Any, ...]]:
        """All that was told, once it is this much."""
        with gevent.Timeout(ARRIVES_WITHIN_S, TimeoutError(f"{self.told} is not yet {count}")):
            while len(self.told) < count:
                gevent.sleep(0.001)
        return self.told

    def wait_until(self, what: str) -> list[tuple[Any, ...]]:
        """All that was told, once this was."""
        with gevent.Timeout(ARRIVES_WITHIN_S, TimeoutError(f"{self.told} has no {what} yet")):
            while not any(told[0] == what for told in self.told):
                gevent.sleep(0.001)
        return self.told


@pytest.fixture(params=list(BROKERS))
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    made = BROKERS[request.param](request)
    yield made
    if isinstance(made, RedisBroker):
        made.close()


@pytest.fixture
def sink(broker: Broker) -> Sink:
    listening = Sink()
    broker.attach(listening)
    return listening


def test_a_run_is_opened_with_its_head_and_kept_text(broker: Broker, sink: Sink) -> None:
    broker.open_run(head(2), {"text": b"kept"})
    assert sink.wait_for(1) == [("opened", head(2), {"text": b"kept"})]


def test_appends_arrive_whole_and_in_order(broker: Broker, sink: Sink) -> None:
    broker.open_run(head(), {})
    broker.append(RUN, 1, "reasoning", 0, "hé".encode())
    broker.append(RUN, 1, "text", 0, b"one ")
    broker.append(RUN, 1, "text", 4, b"two")
    broker.end_run(RUN, 1, ended())
    texts = {"text": b"", "reasoning": b""}
    for _, run_id, epoch, part, at, data in sink.wait_until("ended")[1:-1]:
        assert (run_id, epoch, at) == (RUN, 1, len(texts[part]))
        texts[part] += data
    assert texts == {"text": b"one two", "reasoning": "hé".encode()}


def test_a_buffer_that_the_caller_changes_later_does_not_change_what_arrived(broker: Broker, sink: Sink) -> None:
    kept = {"text": b"kept"}
    broker.open_run(head(), kept)
    kept["text"] = b"else"
    assert sink.wait_for(1)[0][2] == {"text": b"kept"}


def test_the_end_arrives_after_the_last_append(broker: Broker, sink: Sink) -> None:
    broker.open_run(head(), {})
    broker.append(RUN, 1, "text", 0, b"all")
    broker.end_run(RUN, 1, ended())
    assert [what[0] for what in sink.wait_for(3)] == ["opened", "text", "ended"]
    assert sink.told[2] == ("ended", RUN, 1, ended())


def test_a_dropped_run_is_told_with_its_epoch(broker: Broker, sink: Sink) -> None:
    broker.open_run(head(3), {})
    broker.drop_run(RUN, 3)
    assert sink.wait_for(2)[1] == ("dropped", RUN, 3)


@pytest.mark.parametrize("session_id", [SESSION, None])
def test_an_event_arrives_as_the_client_will_read_it(broker: Broker, sink: Sink, session_id: str | None) -> None:
    broker.publish(USER, session_id, EVENT)
    payload = {"type": "message.deleted", "session_id": SESSION, "message_id": "m", "revision": 4}
    assert sink.wait_for(1) == [("event", USER, session_id, payload)]


@pytest.mark.parametrize("login_id", ["login", None])
def test_a_revocation_names_the_login_or_all_of_the_user(broker: Broker, sink: Sink, login_id: str | None) -> None:
    broker.revoke(USER, login_id, 4501)
    assert sink.wait_for(1) == [("revoked", USER, login_id, 4501)]


def test_a_stop_reaches_the_owner_and_asking_twice_is_harmless(broker: Broker, sink: Sink) -> None:
    broker.request_stop(RUN)
    broker.request_stop(RUN)
    assert sink.wait_for(1)[0] == ("stop", RUN)


def test_preparing_runs_that_nobody_knows_is_harmless(broker: Broker, sink: Sink) -> None:
    broker.prepare([head(run_id="0190b3a4-0000-7000-8000-00000000dead")])
    broker.publish(USER, None, EVENT)
    assert [what[0] for what in sink.wait_for(1)] == ["event"]


def test_runs_do_not_mix(broker: Broker, sink: Sink) -> None:
    broker.open_run(head(run_id="one"), {})
    broker.open_run(head(run_id="two"), {})
    broker.append("one", 1, "text", 0, b"1")
    broker.append("two", 1, "text", 0, b"2")
    texts = [(what[1], what[5]) for what in sink.wait_for(4) if what[0] == "text"]
    assert sorted(texts) == [("one", b"1"), ("two", b"2")]
