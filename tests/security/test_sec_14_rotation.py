"""Check 14: a rotation of the keys signs nobody out, in no process, and closes no socket."""

import json
import time
from pathlib import Path

import jwt
import pytest
from flask import Flask

from tests.auth.support import AUTH, audit_kinds
from tests.conftest import MakeServer, SignedIn
from tests.security.raw import Reply, ask
from tests.support.people import PASSWORD
from tests.support.server import Server
from tests.support.workers import workers_of
from tests.support.ws_client import Client
from zgpt.auth import keyring as keyring_module
from zgpt.auth.keyring import RELOAD_EVERY_S, RELOAD_PAUSE_S, keyring
from zgpt.auth.tokens import issue_access, verify_access
from zgpt.core import clock
from zgpt.core.config import Settings, load_settings
from zgpt.core.errors import Unauthorized
from zgpt.core.keys import FILE_NAME, PUBLISHED_S, SKEW_S, JwtKeys, load_jwt_keys, rotated, save_jwt_keys

PEOPLE = 8
ACCESS_S = 900.0


class Device:
    """A browser: its refresh cookie, its access token, its socket."""

    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        account = {"email": f"person{number}@example.org", "password": PASSWORD}
        self._take(self._post("signup", json.dumps(account).encode()))
        self.socket = Client(server.url).connect().say_hello(self.token)

    def refresh(self) -> None:
        self._take(self._post("refresh"))

    def me(self) -> int:
        return ask(self.server, f"{AUTH}/me", Authorization=f"Bearer {self.token}").status

    @property
    def kid(self) -> str:
        return str(jwt.get_unverified_header(self.token)["kid"])

    def _post(self, path: str, body: bytes = b"") -> Reply:
        cookie = {"Cookie": self.cookie} if path == "refresh" else {}
        return ask(self.server, f"{AUTH}/{path}", "POST", body, Content_Type="application/json", **cookie)

    def _take(self, reply: Reply) -> None:
        assert reply.status in {200, 201}, reply
        self.token = str(json.loads(reply.body)["access_token"])
        self.cookie = reply.cookies["zgpt_refresh"]


def test_sec_14_two_processes_change_keys_under_live_sockets(server: MakeServer, redis_url: str) -> None:
    running = server(WEB_CONCURRENCY="2", REDIS_URL=redis_url)
    assert len(workers_of(running)) == 2
    devices = [Device(running, number) for number in range(PEOPLE)]
    (old,) = {device.kid for device in devices}
    settings = load_settings({"INSTANCE_DIR": str(running.folder)})
    now_s = clock.now_ms() / 1_000
    # As if it had been asked for almost a minute ago: the new key signs in a second.
    keys = rotated(load_jwt_keys(settings), now_s - PUBLISHED_S + 1, ACCESS_S)
    save_jwt_keys(settings, keys)
    deadline = time.monotonic() + RELOAD_EVERY_S + 15
    while {device.kid for device in devices} != {keys.following}:
        assert time.monotonic() < deadline, "not every process signs with the new key"
        for device in devices:
            device.refresh()
            assert {device.me() for _ in range(3)} == {200}
            device.socket.command("auth.refresh", token=device.token)
    assert old not in {device.kid for device in devices}
    assert [device.socket.closed for device in devices] == [None] * PEOPLE
    for device in devices:
        device.socket.close()


def test_sec_14_one_file_takes_a_process_through_the_whole_rotation(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    result = app.test_cli_runner().invoke(args=["rotate-keys"])
    assert result.exit_code == 0, result.output
    stored: JwtKeys = load_jwt_keys(app.config["ZGPT"])
    life_s = PUBLISHED_S + app.config["ZGPT"].access_token_s + SKEW_S
    with app.app_context():
        login_id = jwt.decode(person.access_token, options={"verify_signature": False})["lid"]
        with clock.moved(RELOAD_EVERY_S):
            assert keyring().signer()[0] == stored.active
        with clock.moved(PUBLISHED_S + 1):
            assert keyring().signer()[0] == stored.following
            assert verify_access(person.access_token).user_id == person.id
            later = issue_access(person.id, login_id)
            assert verify_access(later).user_id == person.id
        with clock.moved(life_s + 1):
            assert keyring().secret(stored.active) is None
            assert keyring().secret(stored.following)
            with pytest.raises(Unauthorized):
                verify_access(person.access_token)
    assert audit_kinds(app, None) == ["keys_rotated"]


def test_sec_14_a_second_rotation_waits_for_the_first_and_drops_what_is_over(app: Flask) -> None:
    run = app.test_cli_runner()
    first = load_jwt_keys(app.config["ZGPT"]).active
    assert run.invoke(args=["rotate-keys"]).exit_code == 0
    second = run.invoke(args=["rotate-keys"])
    assert (second.exit_code, "under way" in second.output) == (1, True)
    with clock.moved(PUBLISHED_S + app.config["ZGPT"].access_token_s + SKEW_S + 1):
        assert run.invoke(args=["rotate-keys"]).exit_code == 0
    stored = load_jwt_keys(app.config["ZGPT"])
    assert first not in stored.keys
    assert len(stored.keys) == 2


def test_sec_14_a_leaked_key_is_refused_at_once_and_devices_renew(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    assert app.test_cli_runner().invoke(args=["rotate-keys", "--leaked"]).exit_code == 0
    with clock.moved(RELOAD_EVERY_S):
        assert person.client.get(f"{AUTH}/me", headers=person.headers).status_code == 401
        renewed = person.client.post(f"{AUTH}/refresh")
        assert renewed.status_code == 200
        headers = {"Authorization": f"Bearer {renewed.get_json()['access_token']}"}
        assert person.client.get(f"{AUTH}/me", headers=headers).status_code == 200


def test_sec_14_unknown_keys_have_the_file_read_at_most_once_in_five_seconds(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def counted(settings: Settings) -> JwtKeys:
        reads.append("read")
        return load_jwt_keys(settings)

    monkeypatch.setattr(keyring_module, "load_jwt_keys", counted)
    client = app.test_client()
    forged = [jwt.encode({"sub": "x"}, "k" * 32, headers={"kid": f"unknown-{n}", "typ": "at+jwt"}) for n in range(40)]
    with clock.moved(RELOAD_PAUSE_S + 1):
        statuses = {client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {one}"}).status_code for one in forged}
    assert statuses == {401}
    assert len(reads) == 1


def test_sec_14_with_a_secret_in_the_settings_the_one_before_still_verifies(tmp_path: Path) -> None:
    env = {"INSTANCE_DIR": str(tmp_path), "JWT_SECRET": "b" * 32, "JWT_KID": "k2"}
    settings = load_settings({**env, "JWT_PREVIOUS_SECRET": "a" * 32, "JWT_PREVIOUS_KID": "k1"})
    keys = load_jwt_keys(settings)
    assert (keys.active, set(keys.keys)) == ("k2", {"k1", "k2"})
    assert not (tmp_path / FILE_NAME).exists()
