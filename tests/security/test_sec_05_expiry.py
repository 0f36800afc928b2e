"""Check 5: an access token that expires on a live socket is asked for, and a socket that does not answer is closed."""

import time
import uuid
from contextlib import closing

import pytest

from tests.security.conftest import MakeHouse
from tests.security.houses import House
from tests.support.ws_client import CommandFailed

LIFE_S = 5
GRACE_S = 25
SLACK_S = 4
CLOSED_S = 30


@pytest.fixture(scope="module")
def short(make_house: MakeHouse) -> House:
    """Access tokens that live for five seconds."""
    return make_house(ACCESS_TOKEN_S=str(LIFE_S))


def long_answer() -> str:
    return f"count:{(LIFE_S + GRACE_S + 30) * 20}@20"


def test_sec_05_a_stream_ends_when_its_token_is_not_renewed_by_a_right_one(short: House) -> None:
    browser = short.browser().sign_up()
    begun = time.monotonic()
    with closing(browser.viewer()) as viewer:
        viewer.connect()
        viewer.ask(long_answer(), str(uuid.uuid4()))
        asked = viewer.online.wait_for("auth.expiring", LIFE_S + SLACK_S)
        asked_s = time.monotonic()
        assert asked["grace_s"] == GRACE_S
        for token in (browser.token, short.browser().sign_up().token, "x"):
            with pytest.raises(CommandFailed):
                viewer.online.command("auth.refresh", token=token)
        assert viewer.online.wait_closed(GRACE_S + SLACK_S).code == 4401
        assert time.monotonic() - asked_s < CLOSED_S
    assert time.monotonic() - begun < LIFE_S + GRACE_S + SLACK_S


def test_sec_05_a_socket_goes_on_with_a_fresh_token(short: House) -> None:
    browser = short.browser().sign_up()
    with closing(browser.viewer()) as viewer:
        viewer.connect()
        viewer.online.wait_for("auth.expiring", LIFE_S + SLACK_S)
        fresh = browser.refresh().json["access_token"]
        assert viewer.online.command("auth.refresh", token=fresh) == {}
        viewer.online.wait_for("auth.expiring", LIFE_S + SLACK_S)
