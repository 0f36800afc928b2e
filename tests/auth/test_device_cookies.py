"""The cookie by which a browser is known: what it is worth, whom it binds, and what makes it worthless."""

from flask import Flask
from flask.testing import FlaskClient

from tests.auth.support import AUTH, set_cookies, sign_in
from tests.conftest import MakeApp, SignedIn
from zgpt.core import clock
from zgpt.core.keys import PUBLISHED_S, SKEW_S

DEVICE = "zgpt_device"


def forget_logins(client: FlaskClient) -> None:
    client.post(f"{AUTH}/logout")


def lock_out(app: Flask, email: str, client: FlaskClient | None = None) -> None:
    """Guess until no more is taken: as a stranger, or from a browser that is known."""
    while sign_in(client or app.test_client(), email, "wrong password").status_code != 429:
        pass


def test_sec_16_a_browser_once_used_does_not_lock_the_others_out(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    person = signed_in(app=app)
    library = app.test_client()
    assert sign_in(library, person.email).status_code == 200
    forget_logins(library)
    lock_out(app, person.email, library)
    assert sign_in(person.client, person.email).status_code == 200


def test_sec_14_a_rotation_of_the_keys_makes_strangers_of_no_devices(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    person = signed_in(app=app)
    assert app.test_cli_runner().invoke(args=["rotate-keys"]).exit_code == 0
    with clock.moved(PUBLISHED_S + app.config["ZGPT"].access_token_s + SKEW_S + 60):
        lock_out(app, person.email)
        assert sign_in(person.client, person.email).status_code == 200


def test_sec_14_nor_does_dropping_a_leaked_key(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    person = signed_in(app=app)
    assert app.test_cli_runner().invoke(args=["rotate-keys", "--leaked"]).exit_code == 0
    with clock.moved(60):
        lock_out(app, person.email)
        assert sign_in(person.client, person.email).status_code == 200


def test_sec_16_a_made_up_or_another_persons_cookie_makes_no_device_known(
    make_app: MakeApp, signed_in: SignedIn
) -> None:
    app = make_app(LIMIT_LOGIN="3 per minute")
    person, other = signed_in(app=app), signed_in(app=app)
    lock_out(app, person.email)
    theirs = set_cookies(sign_in(other.client, other.email))[DEVICE].value
    name, _, proof = theirs.partition(".")
    for shown in ("", ".", f".{proof}", name, f"x{name}.{proof}", theirs, f"{name}.{'0' * 64}", "\udcff.\udcff", "é.é"):
        client = app.test_client(use_cookies=False)
        cookie = f"{DEVICE}={shown}".encode("utf-8", "surrogateescape").decode("latin-1")
        assert sign_in(client, person.email, Cookie=cookie).status_code == 429, shown


def test_sec_16_each_sign_in_gives_the_device_another_name(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    cookies = [set_cookies(sign_in(app.test_client(), person.email))[DEVICE].value for _ in range(2)]
    assert len({cookie.partition(".")[0] for cookie in cookies}) == 2
