"""The chain of refresh tokens: rotation, reuse, grace, end."""

import pytest
from flask import Flask

from tests.auth.recorder import Recorder
from tests.auth.support import AUTH, audit_kinds, login_id_of, refresh, set_cookies, stored_login, token_of
from tests.conftest import MakeApp, SignedIn
from tests.support.people import Person
from zgpt.auth import refresh as refresh_tokens
from zgpt.core import clock
from zgpt.realtime.close_codes import LOGIN_ENDED

AFTER_GRACE_S = 11


def test_each_use_gives_the_next_token(app: Flask, person: Person) -> None:
    first = token_of(person.client)
    answer = person.client.post(f"{AUTH}/refresh")
    assert answer.status_code == 200
    assert set(answer.get_json()) == {"access_token", "expires_in", "user"}
    second = token_of(person.client)
    assert second != first
    assert refresh(app, second).status_code == 200


def test_sec_18_only_a_hash_is_stored(app: Flask, person: Person) -> None:
    token = token_of(person.client)
    login = stored_login(app, login_id_of(person))
    assert login.token_hash == refresh_tokens.hash_of(token)
    assert token not in repr(vars(login))


def test_sec_17_a_reused_refresh_token_revokes_the_login(app: Flask, person: Person, recorder: Recorder) -> None:
    first = token_of(person.client)
    second = set_cookies(refresh(app, first))["zgpt_refresh"].value
    with clock.moved(AFTER_GRACE_S):
        assert refresh(app, first).status_code == 401
        assert refresh(app, second).status_code == 401
    assert person.client.get(f"{AUTH}/me", headers=person.headers).status_code == 401
    assert stored_login(app, login_id_of(person)).revoked_reason == "refresh_reuse"
    assert audit_kinds(app, person.id) == ["signed_up", "refresh_reuse"]
    assert recorder.revoked == [(person.id, login_id_of(person), LOGIN_ENDED)]


def test_sec_17_an_older_token_revokes_the_login_also_within_the_grace(app: Flask, person: Person) -> None:
    first = token_of(person.client)
    second = set_cookies(refresh(app, first))["zgpt_refresh"].value
    third = set_cookies(refresh(app, second))["zgpt_refresh"].value
    assert refresh(app, first).status_code == 401
    assert refresh(app, third).status_code == 401


def test_sec_17_within_the_grace_the_second_tab_gets_the_same_successor(app: Flask, person: Person) -> None:
    first = token_of(person.client)
    answers = [refresh(app, first), refresh(app, first)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({set_cookies(answer)["zgpt_refresh"].value for answer in answers}) == 1
    with clock.moved(AFTER_GRACE_S):
        assert refresh(app, set_cookies(answers[1])["zgpt_refresh"].value).status_code == 200


def test_without_a_grace_the_second_use_revokes(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(REFRESH_GRACE_S="0")
    first = token_of(signed_in(app=app).client)
    assert [refresh(app, first).status_code, refresh(app, first).status_code] == [200, 401]


def test_sec_17_reuse_is_noticed_after_a_restart(make_app: MakeApp, signed_in: SignedIn, db_url: str) -> None:
    keys = {"DATABASE_URL": db_url, "JWT_SECRET": "a secret that both processes hold, 32 bytes"}
    first = token_of(signed_in(app=make_app(**keys)).client)
    second = set_cookies(refresh(make_app(**keys), first))["zgpt_refresh"].value
    with clock.moved(AFTER_GRACE_S):
        assert refresh(make_app(**keys), first).status_code == 401
        assert refresh(make_app(**keys), second).status_code == 401


def test_sec_17_reuse_is_noticed_after_the_keys_were_rotated(app: Flask, person: Person) -> None:
    stolen = token_of(person.client)
    thiefs = set_cookies(refresh(app, set_cookies(refresh(app, stolen))["zgpt_refresh"].value))["zgpt_refresh"].value
    assert app.test_cli_runner().invoke(args=["rotate-keys"]).exit_code == 0
    with clock.moved(2 * app.config["ZGPT"].access_token_s + 600):
        thiefs = set_cookies(refresh(app, thiefs))["zgpt_refresh"].value
        # The owner's browser wakes with the token that was copied.
        assert person.client.post(f"{AUTH}/refresh").status_code == 401
        assert refresh(app, thiefs).status_code == 401
        assert audit_kinds(app, person.id)[-1] == "refresh_reuse"


def test_a_made_up_token_cannot_end_a_login(app: Flask, person: Person) -> None:
    login_id, nonce, tag = token_of(person.client).split(".")
    for forged in (f"{login_id}.{nonce}.{'x' * 43}", f"{login_id}.{'y' * 43}.{tag}"):
        assert refresh(app, forged).status_code == 401
    assert person.client.post(f"{AUTH}/refresh").status_code == 200


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "..", f"{'0' * 36}.a.b", "a.b.c.d", "é" * 36 + ".a.b", "x" * 5_000]
)
def test_what_is_no_refresh_token_gets_the_same_answer(app: Flask, token: str) -> None:
    answer = refresh(app, token)
    assert answer.status_code == 401
    assert answer.data == app.test_client().post(f"{AUTH}/refresh").data


def test_an_overlong_token_is_not_looked_up() -> None:
    assert refresh_tokens.login_id_in("01a202b1-c24f-7c1c-bb38-91d5e3ff4a43." + "x" * 500 + ".y") is None


def test_sec_18_the_end_of_a_login_never_moves(app: Flask, person: Person) -> None:
    ends = stored_login(app, login_id_of(person)).expires_at
    for day in range(10, 30, 10):
        with clock.moved(day * 86_400):
            answer = person.client.post(f"{AUTH}/refresh")
            assert answer.status_code == 200
            left_s = int(set_cookies(answer)["zgpt_refresh"]["max-age"])
            assert (30 - day) * 86_400 - 60 <= left_s <= (30 - day) * 86_400
    last = token_of(person.client)
    assert stored_login(app, login_id_of(person)).expires_at == ends
    with clock.moved(30 * 86_400):
        assert refresh(app, last).status_code == 401


def test_a_refresh_after_signing_out_is_no_reuse(app: Flask, person: Person) -> None:
    token = token_of(person.client)
    assert person.client.post(f"{AUTH}/logout").status_code == 204
    assert refresh(app, token).status_code == 401
    assert audit_kinds(app, person.id) == ["signed_up", "signed_out"]


@pytest.mark.parametrize(
    "origin",
    ["null", "https://evil.example", "http://localhost:81", "https://localhost", "http://localhost.evil.example"],
)
@pytest.mark.parametrize("path", ["refresh", "logout"])
def test_sec_18_another_site_cannot_use_the_cookie(app: Flask, person: Person, path: str, origin: str) -> None:
    answer = person.client.post(f"{AUTH}/{path}", headers={"Origin": origin})
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "bad_origin"
    assert person.client.post(f"{AUTH}/refresh", headers={"Origin": "http://localhost"}).status_code == 200


def test_allowed_origins_and_the_public_address_may_use_the_cookie(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(ALLOWED_ORIGINS="http://app.example.org:3000", PUBLIC_URL="http://chat.example.org/sub")
    client = signed_in(app=app).client
    for origin in ("http://app.example.org:3000", "http://chat.example.org", "HTTP://LOCALHOST"):
        assert client.post(f"{AUTH}/refresh", headers={"Origin": origin}).status_code == 200


def test_behind_https_a_plain_page_of_the_same_name_is_foreign(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(HTTPS="true")
    assert app.test_client().post(f"{AUTH}/refresh", headers={"Origin": "http://localhost"}).status_code == 403
    assert app.test_client().post(f"{AUTH}/refresh", headers={"Origin": "https://localhost"}).status_code == 401
