"""Check 6, what a clock could only suspect: the database is asked the same for an id of somebody else as for none."""

import pytest

from tests.gateway.conftest import Desk, chat, desk, make_chat
from tests.security.chats import Chat as Target
from tests.security.test_sec_06_commands import ATTACKS, NOBODYS
from tests.support.people import sign_up
from tests.support.statements import statements

__all__ = ["chat", "desk", "make_chat"]


@pytest.mark.parametrize("kind", ATTACKS)
def test_sec_06_the_same_is_asked_of_the_database_either_way(desk: Desk, kind: str) -> None:
    sent = desk.chat.ask()
    answer_id = desk.chat.run(sent.run_id).message_id
    theirs = Target(NOBODYS.owner, sent.session_id, sent.message_id, answer_id, sent.run_id)
    stranger = desk.connect(sign_up(desk.chat.app).access_token)
    # The first command of a person may load what later ones find.
    assert stranger.ask(kind, **ATTACKS[kind](NOBODYS))["code"] == "not_found"
    asked = []
    for target in (theirs, NOBODYS):
        with statements(desk.chat.app) as told:
            assert stranger.ask(kind, **ATTACKS[kind](target))["code"] == "not_found"
        asked.append(told)
    assert asked[0] == asked[1] != []
