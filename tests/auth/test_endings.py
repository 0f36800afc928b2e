"""Signing out, changing the password, deleting the account: rows go and sockets close."""

from functools import partial

from flask import Flask
from sqlalchemy import func, select

from tests.auth.recorder import Recorder
from tests.auth.support import (
    AUTH,
    at_once,
    audit_kinds,
    claims_of,
    login_id_of,
    refresh,
    set_cookies,
    sign_in,
    token_of,
)
from tests.conftest import MakeApp, SignedIn
from tests.support.people import PASSWORD, Person
from zgpt.auth.models import Login, User
from zgpt.auth.signals import account_deleting
from zgpt.chat.actions import create_session, insert_message
from zgpt.chat.models import ChatSession, Message
from zgpt.core import clock
from zgpt.core.db import db, transaction
from zgpt.realtime.close_codes import LOGIN_ENDED
from zgpt.runs.models import Run

NEW = "quite another sentence"


def _me(person: Person) -> int:
    return person.client.get(f"{AUTH}/me", headers=person.headers).status_code


def _second_device(app: Flask, person: Person) -> Person:
    client = app.test_client()
    token = sign_in(client, person.email).get_json()["access_token"]
    return Person(person.id, person.email, person.password, token, client)


def test_signing_out_ends_this_login_only(app: Flask, signed_in: SignedIn, recorder: Recorder) -> None:
    here = signed_in()
    there = _second_device(app, here)
    token = token_of(here.client)
    answer = here.client.post(f"{AUTH}/logout", headers=here.headers)
    assert answer.status_code == 204
    assert set_cookies(answer)["zgpt_refresh"].value == ""
    assert refresh(app, token).status_code == 401
    assert (_me(here), _me(there)) == (401, 200)
    assert recorder.revoked == [(here.id, login_id_of(here), LOGIN_ENDED)]


def test_the_cookie_alone_signs_out(app: Flask, signed_in: SignedIn, recorder: Recorder) -> None:
    person = signed_in()
    assert person.client.post(f"{AUTH}/logout").status_code == 204
    assert _me(person) == 401
    assert recorder.revoked == [(person.id, login_id_of(person), LOGIN_ENDED)]


def test_the_access_token_alone_signs_out(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    assert app.test_client().post(f"{AUTH}/logout", headers=person.headers).status_code == 204
    assert _me(person) == 401


def test_who_is_not_signed_in_signs_out_without_effect(app: Flask, signed_in: SignedIn, recorder: Recorder) -> None:
    person = signed_in()
    login_id, _, _ = token_of(person.client).split(".")
    forged = {"Cookie": f"zgpt_refresh={login_id}.made.up"}
    client = app.test_client(use_cookies=False)
    assert client.post(f"{AUTH}/logout").status_code == 204
    assert client.post(f"{AUTH}/logout", headers=forged).status_code == 204
    assert (_me(person), recorder.revoked) == (200, [])


def test_signing_out_everywhere_ends_all_logins(app: Flask, signed_in: SignedIn, recorder: Recorder) -> None:
    here, stranger = signed_in(), signed_in()
    there = _second_device(app, here)
    assert here.client.post(f"{AUTH}/logout-all", headers=here.headers).status_code == 204
    assert (_me(here), _me(there), _me(stranger)) == (401, 401, 200)
    ended = {(here.id, login_id_of(device), LOGIN_ENDED) for device in (here, there)}
    assert set(recorder.revoked) == ended


def test_a_new_password_keeps_this_login_and_ends_the_others(
    app: Flask, signed_in: SignedIn, recorder: Recorder
) -> None:
    here = signed_in()
    there, old_token = _second_device(app, here), token_of(here.client)
    body = {"current_password": PASSWORD, "new_password": NEW}
    answer = here.client.post(f"{AUTH}/password", json=body, headers=here.headers)
    assert answer.status_code == 200
    assert claims_of(answer.get_json()["access_token"])["lid"] == login_id_of(here)
    assert (_me(here), _me(there)) == (200, 401)
    assert recorder.revoked == [(here.id, login_id_of(there), LOGIN_ENDED)]
    assert token_of(here.client) != old_token
    assert here.client.post(f"{AUTH}/refresh").status_code == 200
    assert sign_in(app.test_client(), here.email, PASSWORD).status_code == 401
    assert sign_in(app.test_client(), here.email, NEW).status_code == 200


def test_the_refresh_token_from_before_a_new_password_leads_to_no_next_one(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    old_token = token_of(person.client)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert person.client.post(f"{AUTH}/password", json=body, headers=person.headers).status_code == 200
    racing = refresh(app, old_token)
    assert racing.status_code == 200
    assert "zgpt_refresh" not in set_cookies(racing)
    with clock.moved(11):
        assert refresh(app, old_token).status_code == 401


def test_changing_the_password_needs_the_right_one_and_a_good_one(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()

    def change(current: str, new: str) -> tuple[int, str]:
        body = {"current_password": current, "new_password": new}
        answer = person.client.post(f"{AUTH}/password", json=body, headers=person.headers)
        return answer.status_code, answer.get_json()["code"]

    assert change("wrong", NEW) == (403, "wrong_password")
    assert change(PASSWORD, "password1") == (422, "weak_password")
    assert sign_in(app.test_client(), person.email).status_code == 200
    assert audit_kinds(app, person.id) == ["signed_up", "password_check_failed", "signed_in"]


def test_of_two_password_changes_at_once_one_wins(make_app: MakeApp, signed_in: SignedIn, db_url: str) -> None:
    app = make_app(DATABASE_URL=db_url, BCRYPT_COST="8")
    person = signed_in(app=app)
    url, bodies = f"{AUTH}/password", [{"current_password": PASSWORD, "new_password": f"{NEW} {n}"} for n in range(2)]
    post = partial(app.test_client(use_cookies=False).post, url, headers=person.headers)
    tries = at_once(partial(post, json=body) for body in bodies)
    assert sorted(one.status_code for one in tries) == [200, 409]


def test_a_deleted_account_leaves_no_row(make_app: MakeApp, signed_in: SignedIn, db_url: str) -> None:
    app = make_app(DATABASE_URL=db_url)
    recorder, person, other = Recorder(app), signed_in(app=app), signed_in(app=app)
    told: list[str] = []
    with app.app_context(), transaction():
        session = create_session(person.id)
        question = insert_message(session, "user", "Why?")
        answer = insert_message(session, "assistant", "", question.id)
        db.session.add(Run(message_id=answer.id, session_id=session.id, user_id=person.id))
    with account_deleting.connected_to(lambda user_id, after: told.append(user_id)):
        gone = person.client.delete(f"{AUTH}/me", json={"password": PASSWORD}, headers=person.headers)
    assert gone.status_code == 204
    assert told == [person.id]
    assert recorder.revoked[-1] == (person.id, None, LOGIN_ENDED)
    assert (_me(person), _me(other)) == (401, 200)
    with app.app_context():
        tables = (User, Login, ChatSession, Message, Run)
        assert [db.session.scalar(select(func.count()).select_from(table)) for table in tables] == [1, 1, 0, 0, 0]
    assert audit_kinds(app, person.id) == ["signed_up", "account_deleted"]
    assert sign_in(app.test_client(), person.email).status_code == 401


def test_deleting_the_account_needs_the_password(signed_in: SignedIn) -> None:
    person = signed_in()
    refused = person.client.delete(f"{AUTH}/me", json={"password": "wrong"}, headers=person.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "wrong_password")
    assert _me(person) == 200
