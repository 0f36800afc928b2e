"""The building blocks that runs are made of: messages, branches, and what changed since a revision."""

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from tests.chat.support import add_messages, new_session
from tests.conftest import MakeApp, SignedIn
from tests.support.people import Person
from zgpt.chat import actions, queries
from zgpt.chat.access import access_message, access_session
from zgpt.chat.models import ChatSession
from zgpt.core.db import db, transaction
from zgpt.core.errors import NotFound
from zgpt.core.ids import new_id


@pytest.fixture
def app(make_app: MakeApp, db_url: str) -> Flask:
    return make_app(DATABASE_URL=db_url)


def test_a_question_and_its_answer_each_have_a_revision_of_their_own(app: Flask, person: Person) -> None:
    with app.app_context():
        with transaction():
            session = actions.create_session(person.id)
            question = actions.insert_message(session, "user", "Why?", None, new_id())
            answer = actions.insert_message(session, "assistant", "", question.id, model="m")
        assert (question.revision, answer.revision) == (1, 2)
        assert (session.revision, session.user_revision, session.leaf_id) == (2, 1, answer.id)
        db.session.expire_all()
        kept = db.session.get_one(ChatSession, session.id)
        assert (kept.revision, kept.user_revision, kept.leaf_id) == (2, 1, answer.id)
        assert kept.updated_at == answer.created_at


def test_the_end_of_an_answer_is_a_change_of_its_message(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    (message_id,) = add_messages(app, person, session_id, 1)
    with app.app_context():
        with transaction():
            message = access_message(person.id, message_id)
            assert actions.finish_message(message, "Because.", "Hm.") == 2
        db.session.expire_all()
        kept = access_message(person.id, message_id)
        assert (kept.text, kept.reasoning, kept.revision) == ("Because.", "Hm.", 2)
        assert access_session(person.id, session_id).user_revision == 3


def test_a_transaction_that_fails_raises_no_revision(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    with app.app_context():
        with pytest.raises(ZeroDivisionError), transaction():
            _ = actions.bump(access_session(person.id, session_id)) / 0
        with transaction():
            session = access_session(person.id, session_id)
            assert (actions.bump(session), session.user_revision) == (1, 2)


def test_a_savepoint_that_is_rolled_back_takes_its_revisions_along(app: Flask, person: Person) -> None:
    session_id, client_id = new_session(app, person), new_id()
    with app.app_context(), transaction():
        session = access_session(person.id, session_id)
        actions.insert_message(session, "user", "one", None, client_id)
        with pytest.raises(IntegrityError), db.session.begin_nested():
            actions.insert_message(session, "user", "one", None, client_id)
        actions.insert_message(session, "user", "two", None, new_id())
        assert session.revision == 2
        assert session.user_revision == queries.user_revision(person.id)


def test_two_sessions_changed_together_differ_in_the_users_revision(app: Flask, person: Person) -> None:
    with app.app_context(), transaction():
        one, two = actions.create_session(person.id), actions.create_session(person.id)
        assert (one.user_revision, two.user_revision) == (1, 2)


def test_nothing_can_be_written_into_a_session_that_was_just_deleted(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    (message_id,) = add_messages(app, person, session_id, 1)
    with app.app_context():
        session = access_session(person.id, session_id)
        message = access_message(person.id, message_id)
        actions.delete_session(person.id, session_id)
        with pytest.raises(NotFound), transaction():
            actions.insert_message(session, "user", "too late")
        with pytest.raises(NotFound), transaction():
            actions.finish_message(message, "too late", "")


def test_nothing_can_be_created_for_a_user_that_is_gone(app: Flask) -> None:
    with app.app_context(), pytest.raises(NotFound):
        actions.start_session(new_id())


def test_a_branch_is_read_from_its_root_in_one_query(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    with app.app_context():
        with transaction():
            session = access_session(person.id, session_id)
            root = actions.insert_message(session, "user", "root")
            left = actions.insert_message(session, "assistant", "left", root.id)
            right = actions.insert_message(session, "assistant", "right", root.id)
            leaf = actions.insert_message(session, "user", "leaf", left.id)
        statements: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        assert [message.text for message in queries.path_to(leaf.id)] == ["root", "left", "leaf"]
        assert len([one for one in statements if not one.startswith("BEGIN")]) == 1
        assert [message.text for message in queries.path_to(right.id)] == ["root", "right"]
        assert [message.text for message in queries.path_to(leaf.id, limit=2)] == ["left", "leaf"]
        assert queries.path_to(None) == []


def test_a_long_branch_is_read_whole(app: Flask, person: Person) -> None:
    session_id = new_session(app, person)
    with app.app_context(), transaction():
        session = access_session(person.id, session_id)
        for number in range(300):
            actions.insert_message(session, "user", str(number), session.leaf_id)
        assert [message.text for message in queries.path_to(session.leaf_id)] == [str(n) for n in range(300)]


def test_a_message_is_found_by_the_name_that_its_client_gave(app: Flask, person: Person, signed_in: SignedIn) -> None:
    other, client_id = signed_in(), new_id()
    session_id, second_id = new_session(app, person), new_session(app, person)
    with app.app_context():
        with transaction():
            actions.lock_user(person.id)
            message = actions.insert_message(access_session(person.id, session_id), "user", "hi", None, client_id)
        found = queries.message_named(person.id, client_id)
        assert found is not None
        assert found.id == message.id
        assert queries.message_named(person.id, client_id, session_id) is found
        assert queries.message_named(person.id, client_id, second_id) is None
        assert queries.message_named(other.id, client_id) is None
        actions.delete_session(person.id, session_id)
        assert queries.message_named(person.id, client_id) is None
