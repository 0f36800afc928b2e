"""The application as a whole."""

import stat
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from zgpt.app import create_app
from zgpt.core.config import load_settings


def test_the_instance_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "instance"
    create_app(load_settings({"INSTANCE_DIR": str(folder)}))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "jwt_keys.json").stat().st_mode) == 0o600


def test_two_apps_in_one_process_do_not_share_a_database(make_app: Callable[..., Flask]) -> None:
    one, other = make_app(), make_app()
    account = {"email": "ada@example.org", "password": "seven quiet otters sing"}
    assert [app.test_client().post("/api/v1/auth/signup", json=account).status_code for app in (one, other)] == [
        201,
        201,
    ]
