"""No split of a blocked phrase reaches a viewer: every split through the hub, letter by letter over a real socket."""

import uuid
from contextlib import closing
from pathlib import Path

import pytest
from gevent.event import Event

from tests.conftest import MakeServer
from tests.moderation.conftest import policy_path
from tests.moderation.texts import BLOCKED, POLICY
from tests.runs.conftest import Chat, MakeChat
from tests.support.viewer import Viewer
from tests.support.visitor import visit
from zgpt.llm.scripted import Hold, Say

__all__ = ["policy_path"]
FOR_ANSWERS = POLICY.replace("action: block", "applies_to: answer\n    action: block", 1)


@pytest.fixture
def chat(make_chat: MakeChat, policy_path: Path) -> Chat:
    return make_chat(MODERATION_POLICY=str(policy_path), LIMIT_MESSAGES="1000 per minute", QUOTA_RUNS="0")


@pytest.mark.parametrize("phrase", BLOCKED)
def test_no_split_of_a_blocked_phrase_reaches_a_viewer(chat: Chat, phrase: str) -> None:
    session_id = chat.ask("Hi").session_id
    for at in range(1, len(phrase)):
        gate = Event()
        chat.provider.script(Hold(gate), Say("It is ", phrase[:at], phrase[at:], " ok"))
        sent = chat.send("Hi", session_id)
        page = chat.view(session_id)
        gate.set()
        chat.settle()
        chat.wait(lambda page=page: [event for event in page.seen if event["type"] == "run.completed"])  # type: ignore[misc]
        assert "".join(event["text"] for event in page.seen if event["type"] == "run.delta") == "It is "
        assert chat.run(sent.run_id).error_code == "blocked"


def test_a_blocked_phrase_that_is_spelled_never_crosses_a_real_socket(server: MakeServer, tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(FOR_ANSWERS)
    house = server(MODERATION_POLICY=str(path), LLM_TITLES="false")
    person = visit(house.url)
    with closing(Viewer(house.url, person.token)) as viewer:
        viewer.connect()
        asked = viewer.ask("spell:Have a forbidden fruit, please@200", str(uuid.uuid4()))
        seen = []
        for event in viewer.online.events(20):
            seen.append(event)
            if event["type"] == "run.completed":
                break
    assert (seen[-1]["status"], seen[-1]["error"]["code"]) == ("failed", "blocked")
    assert "".join(event["text"] for event in seen if event["type"] == "run.delta") == "Have a "
    assert "forb" not in str(seen[-1])
    stored = person.messages(asked["session_id"])[-1]
    assert stored["text"] == "Have a "
