"""From an id to a run: the owner's, or nothing."""

import pytest

from tests.runs.conftest import Chat, new_name
from tests.support.people import sign_up
from zgpt.chat.actions import delete_session
from zgpt.core.errors import NotFound
from zgpt.runs.access import access_run


def test_the_owner_gets_the_run(any_chat: Chat) -> None:
    sent = any_chat.ask()
    assert any_chat.do(access_run, any_chat.person.id, sent.run_id).id == sent.run_id


@pytest.mark.parametrize("run_id", ["", "x", "1", "../..", "0190b3a4-0000-7000-8000-00000000000g"])
def test_what_is_no_id_is_not_found(chat: Chat, run_id: str) -> None:
    with pytest.raises(NotFound):
        chat.do(access_run, chat.person.id, run_id)


def test_a_run_of_nobody_of_another_user_or_of_a_deleted_session_is_not_found(any_chat: Chat) -> None:
    sent = any_chat.ask()
    stranger = sign_up(any_chat.app)
    for owner, run_id in ((stranger.id, sent.run_id), (any_chat.person.id, new_name())):
        with pytest.raises(NotFound):
            any_chat.do(access_run, owner, run_id)
    any_chat.do(delete_session, any_chat.person.id, sent.session_id)
    with pytest.raises(NotFound):
        any_chat.do(access_run, any_chat.person.id, sent.run_id)
