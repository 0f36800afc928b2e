"""Check 19: what everybody tries first is refused, and nothing is ever cut off."""

import unicodedata

import pytest
from flask import Flask
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from tests.auth.support import AUTH, sign_in
from tests.conftest import SignedIn
from zgpt.auth.schemas import check_new_password
from zgpt.core.errors import Invalid

TOP = 3_000
LONG = "seven quiet otters sing below the old bridge, " * 3


def refused(password: str) -> bool:
    try:
        check_new_password(password, "ada@example.org", "Ada", "password")
    except Invalid:
        return True
    return False


def test_sec_19_the_top_3000_are_refused() -> None:
    assert [word for word in FREQUENCY_LISTS["passwords"][:TOP] if not refused(word)] == []


@pytest.mark.parametrize("password", ["zgpt2026", "Z-GPT-chat!", "chatgpt123", "OpenAI2026!", "zgpt-admin"])
def test_sec_19_words_of_the_product_are_refused(password: str) -> None:
    assert refused(password)


@pytest.mark.parametrize(
    "password", [LONG[:64], LONG[:128], "Žluťoučký kůň pěl 🐎", "пароль из семи выдр", "日本語の長い合言葉です"]
)
def test_sec_19_long_and_unicode_ones_are_taken_whole(app: Flask, password: str) -> None:
    account = {"email": "ada@example.org", "password": password}
    assert app.test_client().post(f"{AUTH}/signup", json=account).status_code == 201
    assert sign_in(app.test_client(), "ada@example.org", password).status_code == 200
    assert sign_in(app.test_client(), "ada@example.org", unicodedata.normalize("NFD", password)).status_code == 200
    assert sign_in(app.test_client(), "ada@example.org", password[:-1]).status_code == 401
    assert sign_in(app.test_client(), "ada@example.org", password + "!").status_code == 401


def test_sec_19_a_change_needs_the_current_password(signed_in: SignedIn) -> None:
    person = signed_in()
    body = {"current_password": "not the password", "new_password": LONG[:64]}
    answer = person.client.post(f"{AUTH}/password", json=body, headers=person.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "wrong_password")
