"""Rotation of the signing keys while the server runs."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from flask import Flask

from tests.auth.support import AUTH, claims_of, refresh, token_of
from tests.conftest import MakeApp, SignedIn
from zgpt.auth import keyring as keyring_module
from zgpt.auth.keyring import RELOAD_EVERY_S, keyring
from zgpt.auth.tokens import issue_access, verify_access
from zgpt.core import clock
from zgpt.core.config import Settings
from zgpt.core.errors import Unauthorized
from zgpt.core.keys import JwtKeys, load_jwt_keys

NEW = {"k2": "the second secret, of more than thirty-two bytes"}


def _file(app: Flask) -> Path:
    return Path(app.instance_path) / "jwt_keys.json"


def _keys(app: Flask) -> dict[str, str]:
    keys: dict[str, str] = json.loads(_file(app).read_text())["keys"]
    return keys


def _write(app: Flask, active: str, keys: dict[str, str]) -> None:
    _file(app).write_text(json.dumps({"active": active, "keys": keys}))


def test_sec_14_a_rotation_signs_nobody_out(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    old_refresh = token_of(person.client)
    with app.app_context():
        before = _keys(app)
        _write(app, "k2", {**before, **NEW})
        with clock.moved(RELOAD_EVERY_S):
            assert verify_access(person.access_token).user_id == person.id
            assert keyring().signer()[0] == "k2"
            later = issue_access(person.id, claims_of(person.access_token)["lid"])
        _write(app, "k2", NEW)
        with clock.moved(2 * RELOAD_EVERY_S):
            assert verify_access(later).user_id == person.id
            with pytest.raises(Unauthorized):
                verify_access(person.access_token)
    assert refresh(app, old_refresh).status_code == 200


def test_sec_14_unknown_keys_read_the_file_once_in_a_while(
    app: Flask, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Sequence[str]] = []

    def counted(settings: Settings) -> JwtKeys:
        reads.append("read")
        return load_jwt_keys(settings)

    monkeypatch.setattr(keyring_module, "load_jwt_keys", counted)
    with app.app_context(), clock.moved(6):
        for number in range(50):
            assert keyring().secret(f"unknown-{number}") is None
    assert len(reads) == 1


def test_a_key_that_another_process_made_is_found_at_once(app: Flask) -> None:
    with app.app_context(), clock.moved(6):
        _write(app, "k2", {**_keys(app), **NEW})
        assert keyring().secret("k2") == NEW["k2"]


def test_a_broken_file_leaves_the_keys_from_before(app: Flask, signed_in: SignedIn) -> None:
    person = signed_in()
    _file(app).write_text("{")
    with app.app_context(), clock.moved(RELOAD_EVERY_S):
        assert verify_access(person.access_token).user_id == person.id


def test_a_secret_in_the_settings_signs_under_its_own_name(make_app: MakeApp, signed_in: SignedIn) -> None:
    app = make_app(JWT_SECRET="a secret of the operator, of thirty-two bytes", JWT_KID="op-1")
    person = signed_in(app=app)
    assert person.client.get(f"{AUTH}/me", headers=person.headers).status_code == 200
    with app.app_context():
        assert keyring().signer()[0] == "op-1"
    assert not _file(app).exists()
