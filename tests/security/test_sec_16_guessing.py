"""Check 16: guessing is slowed at the limits that are set by default, and locks nobody out of their own browser."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.auth.support import AUTH, sign_in
from tests.conftest import MakeApp
from tests.support.people import sign_up

PER_MINUTE = 10


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(LIMIT_LOGIN=f"{PER_MINUTE} per minute")


def guess(app: Flask, email: str, number: int, address: str) -> TestResponse:
    body = {"email": email, "password": f"wrong otter {number}"}
    return app.test_client().post(f"{AUTH}/login", json=body, environ_base={"REMOTE_ADDR": address})


@pytest.mark.parametrize("addresses", [1, 50])
def test_sec_16_an_account_is_guessed_at_ten_times_a_minute(app: Flask, addresses: int) -> None:
    person = sign_up(app)
    answers = [guess(app, person.email, n, f"192.0.2.{n % addresses}") for n in range(max(20, addresses))]
    assert [answer.status_code for answer in answers[:PER_MINUTE]] == [401] * PER_MINUTE
    refused = answers[PER_MINUTE:]
    assert {answer.status_code for answer in refused} == {429}
    assert all(0 < int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    assert sign_in(app.test_client(), person.email).status_code == 429
    assert sign_in(person.client, person.email).status_code == 200
