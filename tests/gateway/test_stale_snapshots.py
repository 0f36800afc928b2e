"""Events applied to what a client held before equal what it would fetch now: live, and after an absence."""

from typing import Any

import pytest

from tests.gateway.conftest import Desk, Socket
from tests.runs.conftest import new_name
from tests.support.transcript import Transcript
from zgpt.llm.base import ProviderError
from zgpt.llm.scripted import Break, Say, think


def _open(socket: Socket, transcript: Transcript) -> None:
    opened = socket.ask(
        "session.open", session_id=transcript.session_id, revision=transcript.revision, holds=transcript.holds()
    )
    transcript.opened(opened["result"])


def _fetched(desk: Desk, session_id: str) -> dict[str, Any]:
    """Messages as REST tells them, by id."""
    answer = desk.chat.person.client.get(f"/api/v1/sessions/{session_id}/messages", headers=desk.chat.person.headers)
    return {message["id"]: message for message in answer.get_json()["items"]}


def _change(desk: Desk, socket: Socket, session_id: str) -> None:
    """Everything that can happen to the messages of a session."""
    chat = desk.chat
    chat.provider.script(think("Hm."), Say("One ", "two"))
    chat.ask("More", session_id)
    chat.provider.script(Say("Half"), Break(ProviderError("provider_cut", "It broke off.", True)))
    failed = chat.ask("Again", session_id)
    socket.ask("run.regenerate", message_id=chat.run(failed.run_id).message_id)
    chat.settle()
    socket.ask("message.edit", message_id=failed.message_id, client_id=new_name(), text="Better")
    chat.settle()


@pytest.fixture
def transcript(desk: Desk) -> Transcript:
    return Transcript(session_id=desk.chat.ask("First").session_id)


def test_a_viewer_who_stays_holds_what_a_fresh_fetch_tells(desk: Desk, transcript: Transcript) -> None:
    socket = desk.connect()
    _open(socket, transcript)
    start = len(socket.seen)
    _change(desk, socket, str(transcript.session_id))
    for event in socket.seen[start:]:
        assert not transcript.apply(event), f"it would have to ask again at {event}"
    assert transcript.messages == _fetched(desk, str(transcript.session_id))


def test_a_viewer_who_was_away_holds_it_after_opening_again(desk: Desk, transcript: Transcript) -> None:
    _open(desk.connect(), transcript)
    _change(desk, desk.connect(), str(transcript.session_id))
    _open(desk.connect(), transcript)
    assert transcript.messages == _fetched(desk, str(transcript.session_id))


def test_a_viewer_who_missed_one_event_notices_and_repairs_it(desk: Desk, transcript: Transcript) -> None:
    socket = desk.connect()
    _open(socket, transcript)
    start = len(socket.seen)
    _change(desk, socket, str(transcript.session_id))
    missed = next(at for at, event in enumerate(socket.seen) if at >= start and event["type"] == "message.created")
    for event in socket.seen[start:missed] + socket.seen[missed + 1 :]:
        if transcript.apply(event):
            _open(socket, transcript)
    assert transcript.gaps
    assert transcript.messages == _fetched(desk, str(transcript.session_id))
