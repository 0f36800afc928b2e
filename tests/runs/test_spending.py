"""What a message costs of the limit, and when it costs nothing."""

from __future__ import annotations

import pytest

from tests.runs.conftest import MakeChat, new_name
from zgpt.core.db import transaction
from zgpt.core.errors import RateLimited, Unavailable
from zgpt.runs import actions, spending
from zgpt.runs.spending import remembered, spend


def test_a_message_that_the_database_refused_may_be_repeated_for_nothing(
    make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat, name = make_chat(LIMIT_MESSAGES="1 per hour"), new_name()

    def away(*_: object) -> None:
        raise Unavailable

    with monkeypatch.context() as trouble:
        trouble.setattr(actions, "lock_user", away)
        for _ in range(3):
            with pytest.raises(Unavailable):
                chat.send("Hi", client_id=name)
    chat.send("Hi", client_id=name)
    with pytest.raises(RateLimited):
        chat.send("Another one")
    chat.settle()


def test_a_message_that_was_refused_for_good_has_cost_one(make_chat: MakeChat) -> None:
    chat = make_chat(LIMIT_MESSAGES="1 per hour")
    with chat.app.app_context():
        spend("somebody", "a")
        with pytest.raises(ValueError), remembered("somebody", "a"), transaction():  # noqa: PT011
            raise ValueError
        with pytest.raises(RateLimited):
            spend("somebody", "a")


def test_only_so_many_messages_are_remembered(make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = make_chat(LIMIT_MESSAGES="3 per hour")
    monkeypatch.setattr(spending, "REMEMBERED", 2)
    with chat.app.app_context():
        for name in "abc":
            spend("somebody", name)
            with pytest.raises(Unavailable), remembered("somebody", name):
                raise Unavailable
        spend("somebody", "b")
        spend("somebody", "c")
        with pytest.raises(RateLimited):
            spend("somebody", "a")


def test_an_edit_that_is_repeated_costs_nothing_more(make_chat: MakeChat) -> None:
    chat, name = make_chat(LIMIT_MESSAGES="2 per hour"), new_name()
    sent = chat.ask()
    edited = chat.do(actions.edit_message, chat.person.id, sent.message_id, name, "Other")
    chat.settle()
    again = chat.do(actions.edit_message, chat.person.id, sent.message_id, name, "Other")
    assert (again.message_id, again.again) == (edited.message_id, True)
