"""Check 6: each command asks anew whose the id is; somebody else's answers exactly like one that does not exist."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.security.chats import Chat, admin, api_key, begun_chat, chat, new_name, person, socket_of
from tests.security.houses import House
from tests.security.timing import compare
from tests.support.viewer import Viewer
from tests.support.ws_client import CommandFailed

Json = dict[str, Any]
SAMPLES = 200
PER_SOCKET = 25
"""Twice as many commands are asked at once; a socket's allowance is sixty."""

ATTACKS: dict[str, Callable[[Chat], Json]] = {
    "session.open": lambda theirs: {"session_id": theirs.session_id},
    "message.send": lambda theirs: {"session_id": theirs.session_id, "client_id": new_name(), "text": "Hi"},
    "message.edit": lambda theirs: {"message_id": theirs.message_id, "client_id": new_name(), "text": "Hi"},
    "run.stop": lambda theirs: {"run_id": theirs.run_id},
    "run.regenerate": lambda theirs: {"message_id": theirs.answer_id},
}
# It is only named, and nobody speaks for its owner.
NOBODYS = Chat(owner=None, session_id=new_name(), message_id=new_name(), answer_id=new_name(), run_id=new_name())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def theirs(open_house: House) -> Chat:
    return chat(person(open_house), "echo:a secret of mine")


@pytest.fixture(scope="module")
def stranger_tokens(open_house: House) -> dict[str, str]:
    stranger = person(open_house)
    return {"person": stranger.token, "key": api_key(stranger), "admin": admin(open_house).token}


def answer(viewer: Viewer, kind: str, target: Chat) -> Json:
    with pytest.raises(CommandFailed) as caught:
        viewer.online.command(kind, **ATTACKS[kind](target))
    return {name: value for name, value in caught.value.frame.items() if name != "id"}


@pytest.mark.parametrize("who", ["person", "key", "admin"])
@pytest.mark.parametrize("kind", ATTACKS)
def test_sec_06_an_id_of_somebody_else_is_none(
    open_house: House, theirs: Chat, stranger_tokens: dict[str, str], kind: str, who: str
) -> None:
    with socket_of(theirs.owner, stranger_tokens[who]) as viewer:
        told = answer(viewer, kind, theirs)
        assert told == answer(viewer, kind, NOBODYS)
        assert told["code"] == "not_found"
        assert theirs.session_id not in str(told)


def test_sec_06_ids_of_the_right_owner_but_the_wrong_kind_are_none(theirs: Chat) -> None:
    mixed = Chat(theirs.owner, theirs.run_id, theirs.session_id, theirs.session_id, theirs.message_id)
    with socket_of(theirs.owner) as viewer:
        for kind in ATTACKS:
            assert answer(viewer, kind, mixed)["code"] == "not_found"


def test_sec_06_a_stranger_who_tried_sees_nothing_of_what_follows(open_house: House) -> None:
    live = begun_chat(person(open_house), "count:100@50")
    with socket_of(person(open_house)) as viewer:
        for kind in ATTACKS:
            answer(viewer, kind, live)
        viewer.online.command("session.close", session_id=live.session_id)
        with socket_of(live.owner) as own:
            own.transcript.session_id = live.session_id
            own.open()
            own.see_the_end(live.run_id, 20)
            assert own.transcript.completed[live.run_id]["status"] == "completed"
        viewer.online.command("ping")
        assert viewer.online.take_events() == []


def test_sec_06_the_time_of_the_answer_does_not_tell(theirs: Chat, stranger_tokens: dict[str, str]) -> None:
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(SAMPLES // PER_SOCKET):
        with socket_of(theirs.owner, stranger_tokens["person"]) as viewer:
            for at in range(PER_SOCKET):
                for is_theirs in (True, False) if at % 2 else (False, True):
                    begun = time.perf_counter()
                    answer(viewer, "session.open", theirs if is_theirs else NOBODYS)
                    times[is_theirs].append(time.perf_counter() - begun)
    found = compare(times[True], times[False])
    print(found)
    assert found.are_alike
