"""Check 15: who has an account cannot be told from an answer, nor from how long it took."""

import time
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.auth.support import AUTH
from tests.conftest import MakeApp
from tests.security.timing import Compared, compare
from tests.support.mail_server import MailServer, token_in
from tests.support.people import PASSWORD, sign_up

SAMPLES = 200
KNOWN = "ada@example.org"
UNKNOWN = "eve@example.org"
Ask = Callable[[Flask, str, int], TestResponse]


def sign_in(app: Flask, email: str, number: int) -> TestResponse:
    body = {"email": email, "password": f"wrong otter {number}"}
    return app.test_client().post(f"{AUTH}/login", json=body)


def forget(app: Flask, email: str, _number: int) -> TestResponse:
    return app.test_client().post(f"{AUTH}/password/forgot", json={"email": email})


def join(app: Flask, email: str, _number: int) -> TestResponse:
    return app.test_client().post(f"{AUTH}/signup", json={"email": email, "password": PASSWORD})


def told_apart(app: Flask, ask: Ask) -> tuple[set[tuple[object, ...]], Compared]:
    """Known and unknown in turns: the different answers (status, body, names of headers), and their times."""
    times: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    seen: set[tuple[object, ...]] = set()
    for number in range(SAMPLES):
        for email in (KNOWN, UNKNOWN) if number % 2 else (UNKNOWN, KNOWN):
            begun = time.perf_counter()
            answer = ask(app, email, number)
            times[email].append(time.perf_counter() - begun)
            seen.add((answer.status_code, answer.data, *sorted(answer.headers.keys())))
    found = compare(times[KNOWN], times[UNKNOWN])
    print(found)
    return seen, found


def test_sec_15_a_sign_in_tells_nothing(make_app: MakeApp) -> None:
    app = make_app(BCRYPT_COST="9")
    sign_up(app, KNOWN)
    seen, found = told_apart(app, sign_in)
    assert len(seen) == 1
    assert found.are_alike


@pytest.mark.parametrize("ask", [forget, join])
def test_sec_15_where_mail_is_sent_nothing_else_tells_either(make_app: MakeApp, mail: MailServer, ask: Ask) -> None:
    mail.clear()
    site = "https://chat.example.org"
    app = make_app(SMTP_URL=mail.url, MAIL_FROM="zgpt@example.org", PUBLIC_URL=site)
    join(app, KNOWN, 0)
    token = token_in(mail.wait_for(KNOWN))
    assert app.test_client().post(f"{AUTH}/signup/confirm", json={"token": token}).status_code == 201
    seen, found = told_apart(app, ask)
    app.extensions["zgpt_mail"].finish(20)
    assert len(seen) == 1
    assert found.are_alike


def test_sec_15_without_mail_a_taken_e_mail_is_told_on_purpose(make_app: MakeApp) -> None:
    app = make_app()
    sign_up(app, KNOWN)
    assert (join(app, KNOWN, 0).status_code, join(app, UNKNOWN, 0).status_code) == (409, 201)
