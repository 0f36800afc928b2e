"""Mailed links, with a real mail server: what they do once, and what nobody learns from them."""

from collections.abc import Iterator
from functools import partial

import pytest
import redis
from flask import Flask
from gevent.event import Event
from werkzeug.test import TestResponse

from tests.auth.factors import challenge_of, enrol, second
from tests.auth.recorder import Recorder
from tests.auth.support import AUTH, at_once, audit_kinds, sign_in
from tests.auth.test_keys import make_key
from tests.conftest import MakeApp
from tests.support.mail_server import MailServer, link_in, token_in
from tests.support.people import PASSWORD, Person
from zgpt.core import clock

SITE = "https://chat.example.org"
NEW = "seven quiet otters sing"
ADA = "ada@example.org"


@pytest.fixture
def app(make_app: MakeApp, mail: MailServer, db_url: str) -> Iterator[Flask]:
    mail.clear()
    made = make_app(SMTP_URL=mail.url, MAIL_FROM="Z-GPT <zgpt@example.org>", PUBLIC_URL=SITE, DATABASE_URL=db_url)
    yield made
    made.extensions["zgpt_mail"].finish(10)


def post(app: Flask, path: str, body: dict[str, str], **headers: str) -> TestResponse:
    return app.test_client().post(f"{AUTH}/{path}", json=body, headers=headers, base_url=SITE)


def ask(app: Flask, email: str) -> TestResponse:
    return post(app, "signup", {"email": email, "password": PASSWORD, "name": "Ada"})


def join(app: Flask, mail: MailServer, email: str = ADA) -> Person:
    """Make an account as a person does where mail is sent."""
    assert ask(app, email).status_code == 202
    client = app.test_client()
    body = {"token": token_in(mail.wait_for(email))}
    made = client.post(f"{AUTH}/signup/confirm", json=body, base_url=SITE)
    assert made.status_code == 201, made.get_data(as_text=True)
    return Person(made.get_json()["user"]["id"], email, PASSWORD, made.get_json()["access_token"], client)


def reset_token(app: Flask, mail: MailServer, letters: int = 2) -> str:
    assert post(app, "password/forgot", {"email": ADA}).status_code == 202
    return token_in(mail.wait_for(ADA, letters))


def test_an_account_is_made_by_its_link_and_once(app: Flask, mail: MailServer) -> None:
    person = join(app, mail)
    assert person.client.get(f"{AUTH}/me", headers=person.headers).status_code == 200
    again = post(app, "signup/confirm", {"token": token_in(mail.wait_for(ADA))})
    assert (again.status_code, again.get_json()["code"]) == (400, "bad_link")


def test_sec_15_signing_up_tells_nobody_who_has_an_account(app: Flask, mail: MailServer) -> None:
    join(app, mail)
    known, unknown = ask(app, ADA), ask(app, "nobody@example.org")
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data) == (202, b'{"mail":"sent"}')
    assert "already" in str(mail.wait_for(ADA, 2)["Subject"])
    assert "#signup=" in link_in(mail.wait_for("nobody@example.org"))


def test_of_two_links_for_one_e_mail_one_makes_the_account(app: Flask, mail: MailServer) -> None:
    for _ in range(2):
        ask(app, ADA)
    mail.wait_for(ADA, 2)
    tokens = [token_in(letter) for letter in mail.letters(ADA)]
    made = [post(app, "signup/confirm", {"token": token}) for token in tokens]
    assert [answer.status_code for answer in made] == [201, 409]


def test_a_new_password_ends_all_sign_ins_keys_and_links(app: Flask, mail: MailServer) -> None:
    recorder, person = Recorder(app), join(app, mail)
    key = make_key(person, "read")
    token, other = reset_token(app, mail), reset_token(app, mail, 3)
    assert post(app, "password/reset", {"token": token, "new_password": NEW}).status_code == 204
    assert person.client.get(f"{AUTH}/me", headers=person.headers).status_code == 401
    assert person.client.post(f"{AUTH}/refresh", base_url=SITE).status_code == 401
    by_key = app.test_client().get("/api/v1/sessions", headers={"Authorization": f"Bearer {key['key']}"})
    assert by_key.status_code == 401
    assert (person.id, None, 4501) in recorder.revoked
    assert post(app, "password/reset", {"token": other, "new_password": NEW}).get_json()["code"] == "bad_link"
    assert [sign_in(app.test_client(), ADA, password).status_code for password in (PASSWORD, NEW)] == [401, 200]
    assert "changed" in str(mail.wait_for(ADA, 4)["Subject"])
    assert "password_reset" in audit_kinds(app, person.id)


def test_sec_19_a_reset_link_works_once_and_for_an_hour(app: Flask, mail: MailServer) -> None:
    join(app, mail)
    token = reset_token(app, mail)
    uses = at_once(partial(post, app, "password/reset", {"token": token, "new_password": NEW}) for _ in range(4))
    assert sorted(answer.status_code for answer in uses) == [204, 400, 400, 400]
    late = reset_token(app, mail, 4)
    with clock.moved(3_601):
        assert post(app, "password/reset", {"token": late, "new_password": NEW}).status_code == 400


def test_sec_19_a_weak_password_does_not_use_the_link_up(app: Flask, mail: MailServer) -> None:
    join(app, mail)
    token = reset_token(app, mail)
    weak = post(app, "password/reset", {"token": token, "new_password": "password1"})
    assert (weak.status_code, weak.get_json()["code"]) == (422, "weak_password")
    assert post(app, "password/reset", {"token": token, "new_password": NEW}).status_code == 204


def test_sec_19_a_link_leads_to_public_url_whatever_host_the_request_names(app: Flask, mail: MailServer) -> None:
    join(app, mail)
    poison = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    app.test_client().post(f"{AUTH}/password/forgot", json={"email": ADA}, headers=poison)
    letter = mail.wait_for(ADA, 2)
    assert link_in(letter).startswith(f"{SITE}/#reset=")
    assert "evil" not in letter.as_string()


def test_a_reset_does_not_get_around_the_second_factor(app: Flask, mail: MailServer) -> None:
    person = join(app, mail)
    phone, _ = enrol(person)
    assert post(app, "password/reset", {"token": reset_token(app, mail), "new_password": NEW}).status_code == 204
    changed = Person(person.id, ADA, NEW, "", person.client)
    assert second(*challenge_of(app, changed), phone.code()).status_code == 200


def test_an_e_mail_is_changed_by_a_letter_to_it_and_the_old_one_is_told(app: Flask, mail: MailServer) -> None:
    person = join(app, mail)
    body = {"email": "Lovelace@example.org", "password": PASSWORD}
    asked = person.client.post(f"{AUTH}/email", json=body, headers=person.headers)
    assert (asked.status_code, asked.get_json()) == (202, {})
    token = token_in(mail.wait_for("lovelace@example.org"))
    assert sign_in(app.test_client(), ADA).status_code == 200
    assert post(app, "email/confirm", {"token": token}).get_json()["email"] == "lovelace@example.org"
    assert post(app, "email/confirm", {"token": token}).status_code == 400
    assert "changed" in str(mail.wait_for(ADA, 2)["Subject"])
    assert [sign_in(app.test_client(), who).status_code for who in (ADA, "lovelace@example.org")] == [401, 200]


def test_sec_15_changing_to_anothers_e_mail_tells_only_them(app: Flask, mail: MailServer) -> None:
    join(app, mail, "ben@example.org")
    person = join(app, mail)
    body = {"email": "ben@example.org", "password": PASSWORD}
    asked = person.client.post(f"{AUTH}/email", json=body, headers=person.headers)
    assert (asked.status_code, asked.get_json()) == (202, {})
    assert "already" in str(mail.wait_for("ben@example.org", 2)["Subject"])
    wrong = person.client.post(f"{AUTH}/email", json={**body, "password": "not it"}, headers=person.headers)
    assert wrong.status_code == 403


def test_an_e_mail_that_was_taken_meanwhile_is_not_taken_twice(app: Flask, mail: MailServer) -> None:
    person = join(app, mail)
    body = {"email": "ben@example.org", "password": PASSWORD}
    person.client.post(f"{AUTH}/email", json=body, headers=person.headers)
    token = token_in(mail.wait_for("ben@example.org"))
    ask(app, "ben@example.org")
    post(app, "signup/confirm", {"token": token_in(mail.wait_for("ben@example.org", 2))})
    late = post(app, "email/confirm", {"token": token})
    assert (late.status_code, late.get_json()["code"]) == (409, "email_taken")


def test_a_letter_that_waits_while_the_password_changes_moves_no_account(app: Flask, mail: MailServer) -> None:
    person, room, gate = join(app, mail), app.extensions["zgpt_mail"], Event()
    room.put(lambda: gate.wait(10) and None)
    theirs = {"email": "eve@example.org", "password": PASSWORD}
    assert person.client.post(f"{AUTH}/email", json=theirs, headers=person.headers).status_code == 202
    change = {"current_password": PASSWORD, "new_password": NEW}
    assert person.client.post(f"{AUTH}/password", json=change, headers=person.headers).status_code == 200
    gate.set()
    room.finish(10)
    assert mail.letters("eve@example.org") == []


def test_nobody_fills_a_mailbox_and_nobody_is_told(app: Flask, mail: MailServer) -> None:
    join(app, mail)
    statuses = {post(app, "password/forgot", {"email": ADA}).status_code for _ in range(10)}
    app.extensions["zgpt_mail"].finish(10)
    assert statuses == {202}
    resets = [letter for letter in mail.letters(ADA) if "#reset=" in letter.get_content()]
    assert len(resets) == 5


def test_who_signs_up_with_anothers_e_mail_does_not_use_up_their_reset(app: Flask, mail: MailServer) -> None:
    join(app, mail)
    for _ in range(10):
        ask(app, ADA)
    app.extensions["zgpt_mail"].finish(10)
    told = len(mail.letters(ADA))
    assert told == 5
    assert reset_token(app, mail, told + 1)


@pytest.mark.parametrize("path", ["signup", "password/forgot"])
def test_sec_38_no_address_is_kept_by_what_counts_letters(
    make_app: MakeApp, mail: MailServer, redis_url: str, path: str
) -> None:
    settings = {"SMTP_URL": mail.url, "MAIL_FROM": "zgpt@example.org", "PUBLIC_URL": SITE, "REDIS_URL": redis_url}
    app = make_app(**settings)
    body = {"email": ADA} | ({"password": PASSWORD, "name": "Ada"} if path == "signup" else {})
    assert post(app, path, body).status_code == 202
    app.extensions["zgpt_mail"].finish(10)
    with redis.Redis.from_url(redis_url, socket_timeout=5) as store:
        names = [name.decode() for name in store.scan_iter()]
    assert names
    assert not [name for name in names if ADA in name]


@pytest.mark.parametrize("token", ["", "x" * 65, "nonsense", "ä" * 20])
def test_a_made_up_link_does_nothing(app: Flask, token: str) -> None:
    answers = [
        post(app, "signup/confirm", {"token": token}),
        post(app, "email/confirm", {"token": token}),
        post(app, "password/reset", {"token": token, "new_password": NEW}),
    ]
    assert {answer.status_code for answer in answers} <= {400, 422}


def test_a_link_is_good_for_its_own_purpose_only(app: Flask, mail: MailServer) -> None:
    join(app, mail)
    token = reset_token(app, mail)
    assert [post(app, path, {"token": token}).status_code for path in ("signup/confirm", "email/confirm")] == [400, 400]


def test_a_link_opens_nothing_for_somebody_who_was_shut_out(app: Flask, mail: MailServer) -> None:
    join(app, mail)
    token = reset_token(app, mail)
    app.test_cli_runner().invoke(args=["user", "disable", ADA])
    assert post(app, "password/reset", {"token": token, "new_password": NEW}).status_code == 400
    assert post(app, "password/forgot", {"email": ADA}).status_code == 202
    app.extensions["zgpt_mail"].finish(10)
    assert len(mail.letters(ADA)) == 2
