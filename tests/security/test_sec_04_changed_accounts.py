"""Check 4: password, ban and role reach open sockets on every worker within a second, from a command too."""

import subprocess
import sys
import time
from contextlib import closing

import pytest

from tests.security.houses import AUTH, House
from tests.support.people import PASSWORD
from tests.support.server import EXPOSED_BCRYPT_COST, ROOT
from tests.support.ws_client import Client

NEW = "seven quiet otters sing"
WITHIN_S = 1.0

both = pytest.mark.parametrize("where", ["two_workers", "one_worker"])


@pytest.fixture
def house(where: str, request: pytest.FixtureRequest) -> House:
    found: House = request.getfixturevalue(where)
    return found


def operator(house: House, *words: str) -> float:
    """Run a command as an operator does, in a process of its own; when it was done (monotonic)."""
    env = {**house.server.env, "PORT": str(house.server.port), "INSTANCE_DIR": str(house.server.folder)}
    argv = [sys.executable, "-m", "flask", *words]
    subprocess.run(argv, cwd=ROOT, env=env, check=True, capture_output=True, timeout=60)
    return time.monotonic()


def closed_after(client: Client, done_s: float) -> tuple[int, bool]:
    """The close code, and whether it came within a second of what was done."""
    code = client.wait_closed(5).code
    return code, time.monotonic() - done_s < WITHIN_S


@both
def test_sec_04_a_new_password_ends_the_other_devices_only(house: House) -> None:
    first = house.browser().sign_up()
    second = house.browser(first.email).sign_in()
    with closing(first.viewer()) as here, closing(second.viewer()) as there:
        here.connect()
        there.connect()
        body = {"current_password": PASSWORD, "new_password": NEW}
        assert first.ask("POST", f"{AUTH}/password", body).status == 200
        assert closed_after(there.online, time.monotonic()) == (4501, True)
        assert here.online.command("ping") == {}


@both
def test_sec_04_a_reset_ends_every_device(house: House) -> None:
    browser = house.browser().sign_up()
    with closing(browser.viewer()) as here:
        here.connect()
        exposed = {"PUBLIC_URL": house.server.url, "BCRYPT_COST": EXPOSED_BCRYPT_COST}
        env = {**house.server.env, **exposed, "INSTANCE_DIR": str(house.server.folder)}
        argv = [sys.executable, "-m", "flask", "password-reset", browser.email]
        printed = subprocess.run(argv, cwd=ROOT, env=env, check=True, capture_output=True, timeout=60, text=True)
        token = printed.stdout.strip().partition("#reset=")[2]
        assert browser.ask("POST", f"{AUTH}/password/reset", {"token": token, "new_password": NEW}).status == 204
        assert closed_after(here.online, time.monotonic()) == (4501, True)
    assert browser.sign_in(NEW).token


@both
def test_sec_04_a_ban_closes_every_socket_and_lets_none_back(house: House) -> None:
    browser = house.browser().sign_up()
    with closing(browser.viewer()) as here, closing(browser.viewer()) as there:
        if "REDIS_URL" in house.server.env:
            house.on_two_workers(here, there)
        else:
            here.connect()
            there.connect()
        done_s = operator(house, "user", "disable", browser.email)
        for viewer in (here, there):
            assert closed_after(viewer.online, done_s) == (4501, True)
    assert browser.ask("GET", "/api/v1/sessions").status == 401
    assert browser.refresh().status == 401


@both
def test_sec_04_a_lowered_role_is_gone_from_the_next_request_and_the_next_socket(house: House) -> None:
    browser = house.browser().sign_up()
    operator(house, "user", "role", browser.email, "admin")
    with closing(browser.viewer()) as here:
        here.connect()
        done_s = operator(house, "user", "role", browser.email, "member")
        assert browser.ask("GET", f"{AUTH}/me").json["role"] == "member"
        assert closed_after(here.online, done_s) == (4000, True)
        back = Client(house.server.url).connect()
        assert back.hello(browser.token)["user"]["role"] == "member"
        back.close()
