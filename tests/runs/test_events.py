"""A run as an event stream, on bare sockets to a real gunicorn."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.request import Request

import pytest

from tests.conftest import MakeServer
from tests.gateway.conftest import House, house
from tests.support.processes import polls
from tests.support.sse import Follower
from tests.support.visitor import Visitor, visit
from tests.support.web import fetched

__all__ = ["house"]
Json = dict[str, Any]
Follow = Callable[..., Follower]
COUNTED = "".join(f"{number} " for number in range(40))


@pytest.fixture
def visitor(house: House) -> Visitor:
    return house.visit()


@pytest.fixture
def follow(visitor: Visitor) -> Iterator[Follow]:
    """Open streams of the visitor's; all are closed at the end."""
    with ExitStack() as opened:

        def make(run_id: str, **options: Any) -> Follower:
            return opened.enter_context(Follower(visitor.url, visitor.token, run_id, **options))

        yield make


def ask(visitor: Visitor, text: str) -> str:
    """The id of the run that answers; asked over REST, for nothing here needs a WebSocket."""
    session_id = visitor.post("/api/v1/sessions", {})["id"]
    question = {"client_id": str(uuid.uuid4()), "text": text}
    return str(visitor.post(f"/api/v1/sessions/{session_id}/messages", question)["run_id"])


def event_of(stream: Follower) -> tuple[str, Json]:
    """The next event of a stream that has not ended."""
    event = stream.event()
    assert event is not None, "the stream has ended"
    return event


def text_of(events: list[tuple[str, Json]], part: str = "text") -> str:
    return "".join(data["text"] for kind, data in events if kind == "run.delta" and data["part"] == part)


def test_a_live_run_is_followed_from_its_first_word_to_its_end(visitor: Visitor, follow: Follow) -> None:
    run_id = ask(visitor, "count:40@80")
    stream = follow(run_id)
    assert stream.status == 200
    wanted = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
    }
    assert {name: stream.headers[name] for name in wanted} == wanted
    events = stream.events()
    assert stream.retry_ms == 2_000
    assert text_of(events) == COUNTED
    assert len(events) > 10
    kind, end = events[-1]
    assert (kind, end["type"], end["status"], end["message"]["text"]) == (
        "run.completed", "run.completed", "completed", COUNTED,
    )  # fmt: skip
    assert [data["type"] for _, data in events] == [kind for kind, _ in events]


def test_a_run_that_ended_is_read_from_every_byte_of_it_to_its_end(visitor: Visitor, follow: Follow) -> None:
    run_id = ask(visitor, "echo:Größe 🙂!")
    whole = follow(run_id).events()
    text = "Größe 🙂!".encode()
    assert text_of(whole).encode() == text
    for offset in range(len(text) + 1):
        events = follow(run_id, last_id=f"1-0-{offset}").events()
        # An offset inside a character is none that was ever told: that character comes whole.
        begin = max(len(text[:offset].decode(errors="ignore").encode()), 0)
        assert text_of(events).encode() == text[begin:]
        assert events[-1] == whole[-1]


def test_dropped_after_every_event_it_loses_and_doubles_nothing(visitor: Visitor) -> None:
    run_id, shown, last_id = ask(visitor, "reason:15@50"), {"reasoning": "", "text": ""}, ""
    message: Json = {}
    # No event tells less than one of the 30 tokens, whatever the machine is busy with.
    for _ in range(30 + 1):
        with Follower(visitor.url, visitor.token, run_id, last_id) as stream:
            assert stream.status == 200
            kind, data = event_of(stream)
        if kind == "run.completed":
            message = data["message"]
            break
        assert data["at"] == len(shown[data["part"]].encode())
        shown[data["part"]] += data["text"]
        last_id = stream.last_id
    assert {part: message[part] for part in shown} == shown
    assert all(shown.values())


def test_the_place_to_begin_can_stand_in_the_address_too(visitor: Visitor, follow: Follow) -> None:
    run_id = ask(visitor, "echo:0123456789")
    follow(run_id).events()
    assert text_of(follow(run_id, query="?after=1-0-4").events()) == "456789"
    assert text_of(follow(run_id, query="?after=1-0-4", last_id="1-0-8").events()) == "89"
    assert follow(run_id, query="?after=nonsense").status == 422


def test_a_position_of_another_attempt_is_told_to_begin_anew(visitor: Visitor, follow: Follow) -> None:
    run_id = ask(visitor, "echo:Hello")
    follow(run_id).events()
    for foreign in ("7-0-2", "1-0-500"):
        events = follow(run_id, last_id=foreign).events()
        assert [kind for kind, _ in events] == ["run.reset", "run.delta", "run.completed"]
        assert text_of(events) == "Hello"


def test_the_websocket_and_the_stream_tell_the_same(house: House, visitor: Visitor, follow: Follow) -> None:
    with house.connect(visitor) as client:
        sent = client.command("message.send", session_id=None, client_id=str(uuid.uuid4()), text="count:40@100")
        stream = follow(sent["run_id"])
        shown, end = "", None
        for event in client.events(10):
            if event["type"] == "run.delta":
                shown += event["text"]
            if event["type"] == "run.completed":
                end = event
                break
        events = stream.events()
    assert (text_of(events), events[-1][1]) == (shown, end)


def test_a_slow_reader_gets_all_of_it_and_keeps_nobody_waiting(visitor: Visitor, follow: Follow) -> None:
    run_id = ask(visitor, "count:60000")
    slow = follow(run_id, receive_buffer=4_096)
    expected = "".join(f"{number} " for number in range(60_000))
    assert text_of(follow(run_id).events()) == expected
    assert text_of(slow.events()) == expected


def test_what_belongs_to_others_and_what_is_none_is_not_found(house: House, visitor: Visitor, follow: Follow) -> None:
    run_id = ask(house.visit(), "echo:Secret")
    assert [follow(wrong).status for wrong in (run_id, str(uuid.uuid4()), "x")] == [404, 404, 404]
    with Follower(house.url, "no-token", run_id) as stranger:
        assert stranger.status == 401


def test_a_question_about_the_head_only_gets_a_head(house: House, visitor: Visitor) -> None:
    run_id = ask(visitor, "echo:Hello")
    path = f"{house.url}/api/v1/runs/{run_id}/events"
    request = Request(path, headers={"Authorization": f"Bearer {visitor.token}"}, method="HEAD")
    with fetched(request, 5) as answer:
        assert (answer.status, answer.read()) == (200, b"")


def test_a_stopped_run_ends_its_streams(visitor: Visitor, follow: Follow) -> None:
    run_id = ask(visitor, "count:4000@20")
    stream = follow(run_id)
    assert stream.event() is not None
    visitor.post(f"/api/v1/runs/{run_id}/stop", {})
    assert stream.events()[-1][1]["status"] == "stopped"


def test_signing_out_ends_the_streams_of_that_login_at_once(visitor: Visitor, follow: Follow) -> None:
    stream = follow(ask(visitor, "count:4000@20"))
    assert stream.event() is not None
    visitor.post("/api/v1/auth/logout-all", {})
    events = stream.events()
    assert "run.completed" not in [kind for kind, _ in events]
    assert follow(stream.run_id, last_id=stream.last_id).status == 401


def test_it_ends_when_the_access_token_expires(server: MakeServer) -> None:
    running = server(ACCESS_TOKEN_S="5")
    visitor = visit(running.url)
    with Follower(visitor.url, visitor.token, ask(visitor, "stall:3"), timeout_s=12) as stream:
        events = stream.events()
    assert [kind for kind, _ in events][-1] == "run.delta"


def test_a_short_stream_ends_soon_and_the_next_one_goes_on(visitor: Visitor, follow: Follow) -> None:
    run_id = ask(visitor, "count:200@50")
    first = follow(run_id, query="?seconds=1")
    begun = first.events()
    assert begun[-1][0] == "run.delta", "it went on to the end"
    rest = follow(run_id, last_id=first.last_id).events()
    assert text_of(begun) + text_of(rest) == "".join(f"{number} " for number in range(200))


def test_after_a_crash_the_run_is_taken_up_and_the_stream_begins_anew_with_all_of_it(server: MakeServer) -> None:
    running = server(LLM_CONTINUE="none", CHECKPOINT_S="0.2")
    visitor = visit(running.url)
    run_id = ask(visitor, "count:40@20")
    with Follower(visitor.url, visitor.token, run_id) as stream:
        shown = ""
        while len(shown) < 30:
            shown += text_of([event_of(stream)])
        running.kill9()
    running.start()
    with Follower(visitor.url, visitor.token, run_id, stream.last_id) as again:
        events = again.events()
    assert events[0][0] == "run.reset"
    assert (text_of(events), events[-1][1]["status"]) == (COUNTED, "completed")


def test_streams_are_bounded_by_the_limits_of_connections(server: MakeServer) -> None:
    running = server(MAX_CONNECTIONS_PER_USER="2")
    visitor = visit(running.url)
    run_id = ask(visitor, "count:4000@20")
    with ExitStack() as opened:
        held = [opened.enter_context(Follower(visitor.url, visitor.token, run_id)) for _ in range(3)]
        assert [one.status for one in held] == [200, 200, 503]
        assert held[2].headers["retry-after"] == "2"


def test_a_client_that_has_gone_is_noticed_and_forgotten(house: House, visitor: Visitor, follow: Follow) -> None:
    stream = follow(ask(visitor, "stall:1"))
    assert stream.event() is not None
    before = open_connections(house)
    stream.close()
    for _ in polls(5):
        if open_connections(house) == before - 1:
            break
    assert open_connections(house) == before - 1


def open_connections(house: House) -> float:
    with fetched(house.url + "/metrics", 5) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("zgpt_connections ")).split()[-1])
