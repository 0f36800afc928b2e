"""Ids of somebody else answer exactly like ids that do not exist, for every command that has one."""

import pytest

from tests.gateway.conftest import Desk
from tests.runs.conftest import new_name
from tests.support.people import sign_up
from zgpt.realtime import protocol

FOREIGN: dict[str, tuple[str, dict[str, str]]] = {
    "session.open": ("session_id", {}),
    "message.send": ("session_id", {"client_id": new_name(), "text": "Hi"}),
    "message.edit": ("message_id", {"client_id": new_name(), "text": "Hi"}),
    "run.stop": ("run_id", {}),
    "run.regenerate": ("message_id", {}),
}


def test_every_command_with_an_id_is_tried_with_a_strangers() -> None:
    with_ids = {
        c.__struct_config__.tag for c in protocol.COMMANDS if any(f.endswith("_id") for f in c.__struct_fields__)
    }
    assert set(FOREIGN) == with_ids - {"session.close"}


@pytest.mark.parametrize("kind", FOREIGN)
def test_an_id_of_somebody_else_answers_exactly_like_a_missing_one(desk: Desk, kind: str) -> None:
    sent = desk.chat.ask()
    answer_id = desk.chat.run(sent.run_id).message_id
    name, fields = FOREIGN[kind]
    theirs = {"session_id": sent.session_id, "run_id": sent.run_id}.get(name) or (
        answer_id if kind == "run.regenerate" else sent.message_id
    )
    stranger = desk.connect(sign_up(desk.chat.app).access_token)
    answers = [stranger.ask(kind, **fields, **{name: value}) for value in (theirs, new_name())]
    for answer in answers:
        del answer["id"]
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "not_found"
    before = len(stranger.seen)
    desk.chat.ask("More", sent.session_id)
    assert len(stranger.seen) == before


def test_closing_a_session_of_somebody_else_tells_nothing(desk: Desk) -> None:
    assert desk.connect().ask("session.close", session_id=new_name())["type"] == "ok"
