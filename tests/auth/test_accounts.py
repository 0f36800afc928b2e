"""Signing up and in, over HTTP and on a real database."""

from functools import partial

import bcrypt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.auth.support import AUTH, at_once, audit_kinds, set_cookies, sign_in, stored_login
from tests.conftest import MakeApp, SignedIn
from tests.support.people import PASSWORD
from zgpt.auth import passwords
from zgpt.auth.models import User
from zgpt.core.db import db


def test_a_new_account_is_signed_in_at_once(client: FlaskClient) -> None:
    account = {"email": "  Ada@Example.ORG ", "password": PASSWORD, "name": " Ada "}
    answer = client.post(f"{AUTH}/signup", json=account)
    assert answer.status_code == 201
    body = answer.get_json()
    assert set(body) == {"access_token", "expires_in", "user"}
    assert body["expires_in"] == 900
    assert (body["user"]["email"], body["user"]["name"]) == ("ada@example.org", "Ada")
    me = client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert me.get_json() == body["user"]
    assert set(me.get_json()) == {"id", "email", "name", "kind", "role", "created_at", "revision"}


def test_the_refresh_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient) -> None:
    answer = client.post(f"{AUTH}/signup", json={"email": "ada@example.org", "password": PASSWORD})
    cookie = set_cookies(answer)["zgpt_refresh"]
    assert (cookie["path"], cookie["samesite"], cookie["httponly"]) == (AUTH, "Strict", True)
    assert not cookie["secure"]
    assert 30 * 86_400 - 60 <= int(cookie["max-age"]) <= 30 * 86_400


def test_behind_https_the_cookies_are_secure_and_say_so_in_their_names(make_app: MakeApp) -> None:
    client = make_app(PUBLIC_URL="https://chat.example.org").test_client()
    account = {"email": "ada@example.org", "password": PASSWORD}
    answer = client.post(f"{AUTH}/signup", json=account, base_url="https://chat.example.org")
    jar = set_cookies(answer)
    assert set(jar) == {"__Secure-zgpt_refresh", "__Secure-zgpt_device"}
    assert all(cookie["secure"] for cookie in jar.values())
    renewed = client.post(f"{AUTH}/refresh", base_url="https://chat.example.org")
    assert renewed.status_code == 200


def test_one_e_mail_has_one_account(client: FlaskClient, signed_in: SignedIn) -> None:
    person = signed_in()
    answer = client.post(f"{AUTH}/signup", json={"email": person.email.upper(), "password": PASSWORD})
    assert answer.status_code == 409
    assert answer.get_json()["code"] == "email_taken"


@pytest.mark.parametrize("field", ["role", "user_id", "kind", "id", "created_at", "disabled_at"])
def test_sec_22_nobody_gives_themselves_a_role(client: FlaskClient, field: str) -> None:
    account = {"email": "eve@example.org", "password": PASSWORD, field: "admin"}
    answer = client.post(f"{AUTH}/signup", json=account)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "email",
    ["", "ada", "@example.org", "ada@", "a b@example.org", "ada@exa@mple.org", "a\u0000@b.c", f"{'a' * 65}@b.c"],
)
def test_what_is_no_e_mail_is_refused(client: FlaskClient, email: str) -> None:
    answer = client.post(f"{AUTH}/signup", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "email", ["root,eve@example.org", "(x)eve@example.org", "<eve@example.org", '"a"eve@example.org', "a:eve@b.c;"]
)
def test_what_a_mail_server_would_read_as_another_address_is_refused(client: FlaskClient, email: str) -> None:
    answer = client.post(f"{AUTH}/signup", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "email",
    ["o'brien+z-gpt@example.org", "a.b@example.org", "jürgen@bücher.example", "root@localhost", "#!$%&*/=?^_`{|}~@b.c"],
)
def test_an_e_mail_may_hold_what_addresses_hold(client: FlaskClient, email: str) -> None:
    answer = client.post(f"{AUTH}/signup", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 201


@pytest.mark.parametrize("name", ["x" * 101, "two\nlines", "nul\u0000"])
def test_a_name_is_one_short_line(client: FlaskClient, name: str) -> None:
    account = {"email": "ada@example.org", "password": PASSWORD, "name": name}
    assert client.post(f"{AUTH}/signup", json=account).status_code == 422


def test_signing_in_again_makes_a_login_of_its_own(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    answer = sign_in(app.test_client(), person.email, **{"User-Agent": "Browser\t" + "x" * 300})
    assert answer.status_code == 200
    login_id = set_cookies(answer)["zgpt_refresh"].value.split(".")[0]
    assert stored_login(app, login_id).user_agent == "Browser" + "x" * 193
    assert audit_kinds(app, person.id) == ["signed_up", "signed_in"]


def test_sec_15_unknown_and_wrong_get_one_answer_after_the_same_work(
    app: Flask, client: FlaskClient, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = signed_in()
    work: list[tuple[str, bytes]] = []
    real = passwords.HashPool.run

    def noted(pool: passwords.HashPool, kind: object, first: bytes, second: bytes) -> object:
        work.append((getattr(kind, "__name__", ""), second[:7]))
        return real(pool, kind, first, second)  # type: ignore[arg-type]  # it passes on whatever it was given

    monkeypatch.setattr(passwords.HashPool, "run", noted)
    answers = [sign_in(client, email, "not the password") for email in (person.email, "nobody@example.org")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].data == answers[1].data
    assert not any(answer.headers.getlist("Set-Cookie") for answer in answers)
    assert work == [("checkpw", b"$2b$04$")] * 2
    assert audit_kinds(app, None) == ["sign_in_failed"]


def test_a_disabled_account_is_like_an_unknown_one(app: Flask, client: FlaskClient, signed_in: SignedIn) -> None:
    person = signed_in()
    with app.app_context():
        user = db.session.get_one(User, person.id)
        user.disabled_at = user.created_at
        db.session.commit()
    refused = sign_in(client, person.email)
    assert refused.status_code == 401
    assert refused.data == sign_in(client, "nobody@example.org").data
    assert person.client.get(f"{AUTH}/me", headers=person.headers).status_code == 401
    assert person.client.post(f"{AUTH}/refresh").status_code == 401


def test_an_account_that_goes_while_its_password_is_checked_is_not_signed_in(
    app: Flask, client: FlaskClient, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = signed_in()

    def checked_too_late(_password: str, _stored: str | None) -> bool:
        db.session.delete(db.session.get_one(User, person.id))
        db.session.commit()
        return True

    monkeypatch.setattr(passwords, "is_password", checked_too_late)
    answer = sign_in(client, person.email)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "bad_credentials")


def test_signing_in_strengthens_a_hash_of_another_cost(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(BCRYPT_COST="5")
    person = signed_in(app=app)
    with app.app_context():
        weak = bcrypt.hashpw(passwords.digest_of(PASSWORD), bcrypt.gensalt(4)).decode()
        db.session.get_one(User, person.id).password_hash = weak
        db.session.commit()
    assert sign_in(app.test_client(), person.email).status_code == 200
    with app.app_context():
        assert (db.session.get_one(User, person.id).password_hash or "").startswith("$2b$05$")
    assert sign_in(app.test_client(), person.email).status_code == 200


def test_of_two_sign_ups_with_one_e_mail_one_wins(make_app: MakeApp, db_url: str) -> None:
    app = make_app(DATABASE_URL=db_url)
    account = {"email": "ada@example.org", "password": PASSWORD}
    tries = at_once(partial(app.test_client().post, f"{AUTH}/signup", json=account) for _ in range(4))
    assert sorted(one.status_code for one in tries) == [201, 409, 409, 409]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(User)) == 1
