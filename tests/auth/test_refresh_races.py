"""Tabs that renew at the same moment, on both databases, through real connections."""

from functools import partial

from flask import Flask

from tests.auth.support import AUTH, at_once, audit_kinds, login_id_of, refresh, set_cookies, stored_login, token_of
from tests.conftest import MakeApp, SignedIn
from zgpt.auth import refresh as refresh_tokens
from zgpt.core import clock

TABS = 8
ROUNDS = 5


def _race(app: Flask, token: str) -> list[tuple[int, str]]:
    tabs = at_once(partial(refresh, app, token) for _ in range(TABS))
    return [(tab.status_code, set_cookies(tab)["zgpt_refresh"].value) for tab in tabs]


def test_sec_17_tabs_that_race_stay_signed_in_on_one_chain(make_app: MakeApp, signed_in: SignedIn, db_url: str) -> None:
    app = make_app(DATABASE_URL=db_url, DATABASE_POOL_SIZE=str(TABS))
    person = signed_in(app=app)
    token = token_of(person.client)
    for _ in range(ROUNDS):
        answers = _race(app, token)
        assert {status for status, _ in answers} == {200}
        (token,) = {successor for _, successor in answers}
        assert stored_login(app, login_id_of(person)).token_hash == refresh_tokens.hash_of(token)
    assert audit_kinds(app, person.id) == ["signed_up"]


def test_sec_17_thieves_that_race_with_a_spent_token_end_the_login_once(
    make_app: MakeApp, signed_in: SignedIn, db_url: str
) -> None:
    app = make_app(DATABASE_URL=db_url, DATABASE_POOL_SIZE=str(TABS))
    person = signed_in(app=app)
    spent = token_of(person.client)
    assert person.client.post(f"{AUTH}/refresh").status_code == 200
    with clock.moved(11):
        thieves = at_once(partial(refresh, app, spent) for _ in range(TABS))
    assert {thief.status_code for thief in thieves} == {401}
    assert audit_kinds(app, person.id) == ["signed_up", "refresh_reuse"]
