"""The secret that kept data leans on."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from zgpt.core.config import ConfigError
from zgpt.core.data_key import FILE_NAME, data_key, install_data_key


def key_of(app: Flask, label: str = "a use") -> bytes:
    with app.app_context():
        return data_key(label)


def test_it_is_made_once_kept_for_its_owner_and_told_apart_by_use(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    first = key_of(app)
    assert stat.S_IMODE((app.config["ZGPT"].instance_dir / FILE_NAME).stat().st_mode) == 0o600
    install_data_key(app, app.config["ZGPT"])
    assert (key_of(app), len(first)) == (first, 32)
    assert key_of(app, "another use") != first
    assert key_of(make_app()) != first


def test_machines_that_are_given_the_same_secret_agree(make_app: Callable[..., Flask]) -> None:
    one, two = (make_app(DATA_SECRET="a long secret that several machines share, 7 otters") for _ in range(2))
    assert key_of(one) == key_of(two)
    assert not (one.config["ZGPT"].instance_dir / FILE_NAME).exists()


@pytest.mark.parametrize("broken", ["cut off", "a directory"])
def test_a_broken_file_is_told_in_words_and_never_replaced(make_app: Callable[..., Flask], broken: str) -> None:
    app = make_app()
    path: Path = app.config["ZGPT"].instance_dir / FILE_NAME
    path.unlink()
    if broken == "cut off":
        path.write_bytes(b"short")
    else:
        path.mkdir()
    with pytest.raises(ConfigError) as caught:
        install_data_key(app, app.config["ZGPT"])
    assert "restore it" in str(caught.value)
