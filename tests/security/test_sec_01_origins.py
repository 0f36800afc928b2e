"""Check 1: a page of another origin cannot open a socket in the name of who visits it (CSWSH).

The widget's route, with the key of a foreign site, comes with the widget.
"""

from contextlib import closing

import pytest

from tests.security.conftest import MakeHouse
from tests.security.houses import House
from tests.support.strain import counter
from tests.support.ws_client import Client, HandshakeRefused

SECURE_HOST = "app.example.org"
FOREIGN = [
    "null",
    "https://evil.example",
    "http://{host}.evil.example",
    "http://evil.example/{host}",
    "http://evil.example@{host}",
    "http://{host}/",
    "http://{host}.",
    "http://localhost:{port}",
    "http://127.0.0.1:{other}",
    "http://127.0.0.1",
    "ws://{host}",
    "http://{host}, https://evil.example",
    "http://{host} https://evil.example",
]


@pytest.fixture(scope="module")
def secure(make_house: MakeHouse) -> House:
    """A server that knows its address, which is HTTPS, and one other page that may connect."""
    allowed = {"PUBLIC_URL": f"https://{SECURE_HOST}", "ALLOWED_ORIGINS": "https://page.example.org"}
    return make_house(**allowed)


def cookie(made: House) -> dict[str, str]:
    return {"Cookie": f"zgpt_refresh={made.browser().sign_up().refresh_token}"}


def refused(made: House, origin: str | None, headers: dict[str, str]) -> bool:
    """Whether the answer is 403 before any 101, and was counted."""
    before = counter(made.server, "zgpt_bad_origin_total")
    with pytest.raises(HandshakeRefused) as caught:
        Client(made.server.url, origin=origin, headers=headers).connect()
    return caught.value.status == 403 and counter(made.server, "zgpt_bad_origin_total") == before + 1


@pytest.mark.parametrize("origin", FOREIGN)
def test_sec_01_a_foreign_origin_is_refused_before_the_upgrade(open_house: House, origin: str) -> None:
    port = open_house.server.port
    sent = origin.format(host=f"127.0.0.1:{port}", port=port, other=port + 1)
    assert refused(open_house, sent, cookie(open_house))
    assert refused(open_house, sent, {})


def test_sec_01_two_origins_in_one_request_are_none(open_house: House) -> None:
    own = open_house.server.url
    assert refused(open_house, own, {"origin": "https://evil.example"})


def test_sec_01_a_cookie_without_an_origin_is_refused(open_house: House) -> None:
    assert refused(open_house, None, cookie(open_house))


def test_sec_01_a_program_with_a_token_and_no_cookie_may_leave_it_out(open_house: House) -> None:
    with closing(Client(open_house.server.url).connect()) as socket:
        assert socket.hello(open_house.browser().sign_up().token)["protocol"] == 1


def test_sec_01_our_own_page_may_connect(open_house: House) -> None:
    with closing(Client(open_house.server.url, origin=open_house.server.url, headers=cookie(open_house)).connect()):
        pass


@pytest.mark.parametrize(
    "origin",
    [f"http://{SECURE_HOST}", f"https://{SECURE_HOST}:8443", "http://page.example.org", "https://a.page.example.org"],
)
def test_sec_01_behind_https_only_the_exact_https_origins_count(secure: House, origin: str) -> None:
    assert refused(secure, origin, {"Host": SECURE_HOST})


@pytest.mark.parametrize("origin", [f"https://{SECURE_HOST}", "https://page.example.org"])
def test_sec_01_behind_https_the_named_pages_may_connect(secure: House, origin: str) -> None:
    with closing(Client(secure.server.url, origin=origin, headers={"Host": SECURE_HOST}).connect()):
        pass
