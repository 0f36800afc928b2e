"""What is deleted for its age, and what stays."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from tests.auth.recorder import Recorder
from tests.auth.support import audit_kinds
from tests.chat.support import add_messages, new_session
from tests.support.people import sign_up
from zgpt.auth.models import Login, Ticket
from zgpt.chat.actions import delete_session
from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock, ids
from zgpt.core.chores import chores_of, do_if_due
from zgpt.core.db import db
from zgpt.privacy import actions as pruning
from zgpt.privacy.actions import prune
from zgpt.runs.models import Run

DAY_S = 86_400


@pytest.fixture
def on_both(make_app: Callable[..., Flask], db_url: str) -> Iterator[Flask]:
    app = make_app(DATABASE_URL=db_url, RETENTION_DAYS="90")
    with app.app_context():
        yield app


def count(table: type) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def live_sessions() -> list[str]:
    return list(db.session.scalars(select(ChatSession.id).where(ChatSession.deleted_at.is_(None))))


def test_sessions_that_nobody_touched_are_deleted_as_their_owner_would(on_both: Flask) -> None:
    ada, recorder = sign_up(on_both), Recorder(on_both)
    old = new_session(on_both, ada, "old")
    add_messages(on_both, ada, old, 3)
    with clock.moved(91 * DAY_S):
        fresh = new_session(on_both, ada, "fresh")
        assert prune()["untouched_sessions"] == 1
    assert live_sessions() == [fresh]
    assert set(db.session.scalars(select(Message.text))) == {""}
    assert (ada.id, None, "session.deleted") in [(user, place, event["type"]) for user, place, event in recorder.events]
    assert audit_kinds(on_both, None) == ["data_pruned"]


def test_without_the_setting_no_session_is_deleted(app: Flask) -> None:
    ada = sign_up(app)
    kept = new_session(app, ada)
    with app.app_context(), clock.moved(3_000 * DAY_S):
        assert prune()["untouched_sessions"] == 0
        assert live_sessions() == [kept]


def test_a_session_whose_answer_is_being_written_is_not_touched(on_both: Flask) -> None:
    ada = sign_up(on_both)
    session = new_session(on_both, ada)
    (message,) = add_messages(on_both, ada, session, 1)
    run = Run(message_id=message, session_id=session, user_id=ada.id, status="streaming")
    db.session.add(run)
    db.session.commit()
    with clock.moved(91 * DAY_S):
        assert prune()["untouched_sessions"] == 0


def test_rows_of_deleted_sessions_go_when_no_device_can_need_them(
    on_both: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 5)
    ada = sign_up(on_both)
    session = new_session(on_both, ada)
    add_messages(on_both, ada, session, 12)
    delete_session(ada.id, session)
    with clock.moved(30 * DAY_S):
        assert prune()["deleted_sessions"] == 0
    with clock.moved(32 * DAY_S):
        assert prune()["deleted_sessions"] == 1
    assert (count(ChatSession), count(Message)) == (0, 0)


def test_ended_logins_and_spent_tickets_go_after_a_while(on_both: Flask) -> None:
    ada = sign_up(on_both)
    ada.client.post("/api/v1/auth/logout-all", headers=ada.headers)
    ticket = Ticket(id=ids.new_id(), purpose="reset", token_hash="x" * 64, detail={})
    ticket.expires_at = clock.now() + timedelta(hours=1)
    db.session.add(ticket)
    db.session.commit()
    assert (prune()["ended_logins"], prune()["spent_tickets"]) == (0, 0)
    with clock.moved(31 * DAY_S):
        pruned = prune()
    assert (pruned["ended_logins"], pruned["spent_tickets"]) == (1, 1)
    assert (count(Login), count(Ticket)) == (0, 0)


def test_a_live_login_stays_however_old(on_both: Flask) -> None:
    sign_up(on_both)
    db.session.execute(update(Login).values(expires_at=clock.now() + timedelta(days=400)))
    db.session.commit()
    with clock.moved(100 * DAY_S):
        prune()
    assert count(Login) == 1


def test_a_chore_is_done_once_by_whoever_comes_first_until_it_is_due_again(on_both: Flask) -> None:
    assert set(chores_of(on_both)) == {"audit_head", "prune"}
    assert [do_if_due(on_both, "prune"), do_if_due(on_both, "prune")] == [True, False]
    with clock.moved(3_601):
        assert do_if_due(on_both, "prune")


def test_a_chore_that_fails_is_put_off_and_breaks_nothing(on_both: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    monkeypatch.setitem(on_both.extensions["zgpt_chores"], "prune", type(chores_of(on_both)["prune"])(60.0, fail))
    assert not do_if_due(on_both, "prune")


def test_the_command_says_what_went(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["prune"])
    assert result.exit_code == 0
    assert "ended logins" in result.output
