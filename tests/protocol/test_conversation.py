"""A whole conversation with the real gateway: every frame it writes has the shape of its example."""

from typing import Any

import pytest
from gevent.event import Event

from tests.gateway.conftest import Chat, Desk, MakeChat, Socket
from tests.protocol.examples import examples
from tests.runs.conftest import new_name
from zgpt.chat.actions import delete_session
from zgpt.core import clock
from zgpt.llm.base import Usage
from zgpt.llm.scripted import End, Hold, Say
from zgpt.realtime.live import RunHead

PARTS = {"text", "reasoning"}
NOT_SENT_YET = {"message.deleted"}
"""The event is part of the protocol, but no command deletes a single message."""


def _shape(value: Any) -> Any:
    """Keys and kinds of values; a list is the shape of its first item."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(inner) for inner in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _fits(actual: Any, example: Any) -> bool:
    """Whether the shapes are the same; where one has null or an empty list, the other may have anything."""
    if "NoneType" in (actual, example):
        return True
    if isinstance(actual, dict) and isinstance(example, dict):
        if example.keys() <= PARTS:
            return actual.keys() <= PARTS
        return actual.keys() == example.keys() and all(_fits(actual[key], example[key]) for key in actual)
    if isinstance(actual, list) and isinstance(example, list):
        return not actual or not example or _fits(actual[0], example[0])
    return bool(actual == example)


class Conversation:
    """Says every command, with what `ok` carried for each."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.results = desk, dict[str, Any]()
        self.socket: Socket = desk.socket()

    def say(self, kind: str, **fields: Any) -> Any:
        answer = self.socket.ask(kind, **fields)
        assert answer["type"] == "ok", answer
        self.results[kind] = answer["result"]
        return answer["result"]

    def hold(self) -> None:
        """Everything that can be said and told."""
        desk, chat, token = self.desk, self.desk.chat, self.desk.chat.person.access_token
        self.socket.ask("ping")
        self.say("hello", token=token)
        self.say("auth.refresh", token=token)
        self.say("ping")
        chat.provider.script(Say("They "), Say("dance."), End("stop", Usage(31, 4)))
        sent = self.say("message.send", session_id=None, client_id=new_name(), text="How do bees talk?")
        chat.settle()
        gate = Event()
        chat.provider.script(Say("Slowly"), Hold(gate))
        self.say("run.regenerate", message_id=chat.run(sent["run_id"]).message_id)
        chat.wait(lambda: [run.size for run in chat.runner.active()] == [6])
        self.say("session.open", session_id=sent["session_id"], revision=0)
        [run] = chat.runner.active()
        head = run.head
        chat.hub.run_opened(RunHead(head.user_id, head.session_id, head.run_id, head.message_id, 2), {})
        waiting = Socket(desk.gateway)
        waiting.ask("hello", token=token)
        other = waiting.ask("message.send", session_id=None, client_id=new_name(), text="And ants?")["result"]
        self.say("session.open", session_id=other["session_id"], revision=0)
        self.socket.seen += waiting.seen
        self.say("run.stop", run_id=run.head.run_id)
        chat.settle()
        self.say("message.edit", message_id=sent["message_id"], client_id=new_name(), text="How do bees dance?")
        chat.settle()
        self.say("session.close", session_id=sent["session_id"])
        chat.do(delete_session, chat.person.id, sent["session_id"])
        with clock.moved(1_000):
            desk.gateway.deadlines.tick()
        self.socket.seen += [event for event in waiting.seen if event["type"] == "run.queued"]


@pytest.fixture
def conversation(make_chat: MakeChat) -> Conversation:
    chat: Chat = make_chat(LLM_CONCURRENCY="1")
    held = Conversation(Desk(chat))
    held.hold()
    return held


def test_every_frame_of_a_conversation_has_the_shape_of_its_example(conversation: Conversation) -> None:
    expected = {kind: _shape(example) for kind, example in examples("events").items()}
    for event in conversation.socket.seen:
        example = expected[event["type"]]
        if event["type"] == "ok":
            assert set(event) == set(example)
            continue
        assert _fits(_shape(event), example), f"{event} is not like {example}"
    assert {event["type"] for event in conversation.socket.seen} == set(expected) - NOT_SENT_YET


def test_every_result_of_a_conversation_has_the_shape_of_its_example(conversation: Conversation) -> None:
    expected = {kind: _shape(example) for kind, example in examples("results").items()}
    assert set(conversation.results) == set(expected)
    for kind, result in conversation.results.items():
        assert _fits(_shape(result), expected[kind]), f"{kind}: {result} is not like {expected[kind]}"
