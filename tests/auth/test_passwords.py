"""Which passwords are taken, and how they are hashed."""

import bcrypt
import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.auth.support import AUTH, sign_in
from tests.conftest import MakeApp
from zgpt.auth import passwords
from zgpt.auth.common_passwords import is_common
from zgpt.core import clock
from zgpt.core.errors import Unavailable

ACCEPTED = [
    "correct horse battery staple",
    "x7#Lq9!v",
    "p" * 10 + "q" + "z" * 245,
    "Ünïcödé pässwörd ☂ schön",
    "nul \u0000 in the middle of it",
    "漢字と仮名の長い合言葉",
    "    eight spaces around    ",
]
REFUSED = [
    "short7!",
    "password",
    "Password1!",
    "P@ssw0rd2026",
    "12345678",
    "123456789012345",
    "87654321",
    "qwertyuiop",
    "1qaz2wsx",
    "qwerty12345",
    "aaaaaaaaaaaa",
    "abcabcabcabc",
    "Summer2026!",
    "admin_password",
    "letmein!!",
    "zgpt2026",
    "Z-GPT!!!",
    "chatgpt123",
    "00000000",
    "iloveyou2",
]


@pytest.mark.parametrize("password", ACCEPTED)
def test_sec_19_long_and_unicode_passwords_are_kept_whole(client: FlaskClient, password: str) -> None:
    account = {"email": "ada@example.org", "password": password}
    assert client.post(f"{AUTH}/signup", json=account).status_code == 201
    assert sign_in(client, "ada@example.org", password).status_code == 200
    assert sign_in(client, "ada@example.org", password[:-1]).status_code == 401


@pytest.mark.parametrize("password", REFUSED)
def test_sec_19_what_is_tried_first_is_refused(client: FlaskClient, password: str) -> None:
    answer = client.post(f"{AUTH}/signup", json={"email": "ada@example.org", "password": password})
    assert answer.status_code == 422
    body = answer.get_json()
    assert body["code"] == "weak_password"
    assert body["errors"][0]["field"] == "password"


@pytest.mark.parametrize("password", ["lovelace", "Lovelace1815", "byron-enterprises", "Augusta99!"])
def test_a_persons_own_words_are_refused(client: FlaskClient, password: str) -> None:
    account = {"email": "lovelace@byron-enterprises.org", "password": password, "name": "Augusta Ada"}
    assert client.post(f"{AUTH}/signup", json=account).status_code == 422


@pytest.mark.parametrize("password", ["x" * 257, "☂" * 342, "a" * 5_000])
def test_a_password_over_the_bounds_is_refused_not_cut(client: FlaskClient, password: str) -> None:
    answer = client.post(f"{AUTH}/signup", json={"email": "ada@example.org", "password": password})
    assert answer.status_code == 422
    assert sign_in(client, "ada@example.org", password).status_code == 422


def test_every_byte_counts_also_after_the_72nd_and_after_a_nul(app: Flask) -> None:
    with app.app_context():
        stored = passwords.hash_password("a" * 80 + "\0x")
        assert passwords.is_password("a" * 80 + "\0x", stored)
        assert not passwords.is_password("a" * 80 + "\0y", stored)
        assert not passwords.is_password("a" * 80, stored)


def test_an_accent_is_the_same_however_it_was_typed(app: Flask) -> None:
    with app.app_context():
        assert passwords.is_password("cafe\u0301 au lait", passwords.hash_password("caf\u00e9 au lait"))


def test_nobody_has_the_hash_that_stands_in_for_a_missing_one(app: Flask) -> None:
    with app.app_context():
        assert not passwords.is_password("", None)


def test_a_strong_password_with_a_common_word_inside_is_fine() -> None:
    assert not is_common("my dragon likes 7 teas")
    assert not is_common("summer-rain-on-tin-roofs")


def test_who_comes_when_the_queue_is_full_is_told_to_try_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords.hash_pool(), "wait_max_s", 0.0)
    answer = sign_in(client, "ada@example.org", "some password")
    assert answer.status_code == 503
    assert answer.get_json()["retryable"] is True
    assert answer.headers["Retry-After"] == "2"


def test_the_queue_is_bounded_while_hashes_are_made() -> None:
    pool = passwords.HashPool(each_s=0.1, threads=1, wait_max_s=0.15)
    salt = bcrypt.gensalt(10)
    first = [gevent.spawn(lambda: pool.run(bcrypt.hashpw, b"x", salt)) for _ in range(2)]
    gevent.sleep(0)
    with pytest.raises(Unavailable):
        pool.run(bcrypt.hashpw, b"x", salt)
    gevent.joinall(first, timeout=10, raise_error=True)
    assert pool.run(bcrypt.hashpw, b"x", salt)


def test_fast_hashes_let_more_people_wait() -> None:
    pool = passwords.HashPool(each_s=0.1, threads=1, wait_max_s=0.15)
    for _ in range(20):
        pool.run(lambda _first, _second: True, b"", b"")
    waiting = [gevent.spawn(pool.run, lambda _first, _second: True, b"", b"") for _ in range(8)]
    gevent.joinall(waiting, timeout=10, raise_error=True)
    assert all(one.value for one in waiting)


def test_however_fast_the_hashes_not_everybody_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAITING_MAX", 1)
    pool = passwords.HashPool(each_s=0.0)
    first = gevent.spawn(pool.run, bcrypt.hashpw, b"x", bcrypt.gensalt(8))
    gevent.sleep(0)
    with pytest.raises(Unavailable):
        pool.run(bcrypt.hashpw, b"x", bcrypt.gensalt(4))
    assert first.get(timeout=10)


def test_sec_20_the_loop_goes_on_while_passwords_are_hashed(make_app: MakeApp) -> None:
    gaps: list[float] = []

    def tick() -> None:
        while True:
            before = clock.monotonic()
            gevent.sleep(0.001)
            gaps.append(clock.monotonic() - before)

    with make_app(BCRYPT_COST="13").app_context():
        ticker = gevent.spawn(tick)
        started = clock.monotonic()
        passwords.hash_password("one two three")
        took = clock.monotonic() - started
        ticker.kill()
    assert max(gaps) < took / 2
