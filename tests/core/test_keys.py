"""The keys that sign tokens."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zgpt.core.config import ConfigError, Settings, load_settings
from zgpt.core.keys import FILE_NAME, load_jwt_keys


@pytest.fixture
def fresh(tmp_path: Path) -> Settings:
    return load_settings({"INSTANCE_DIR": str(tmp_path)})


def test_the_first_start_makes_a_key_that_only_the_owner_can_read_and_later_starts_keep_it(fresh: Settings) -> None:
    first = load_jwt_keys(fresh)
    path = fresh.instance_dir / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(first.keys[first.active]) >= 43
    assert load_jwt_keys(fresh) == first


def test_processes_that_start_together_agree_on_one_key_and_leave_no_drafts(fresh: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: load_jwt_keys(fresh).active, range(16)))
    assert len(set(loaded)) == 1
    assert [path.name for path in fresh.instance_dir.iterdir()] == [FILE_NAME]


def test_a_secret_from_the_environment_needs_no_file(tmp_path: Path) -> None:
    given = {"INSTANCE_DIR": str(tmp_path), "JWT_SECRET": "s" * 32, "JWT_KID": "k1"}
    keys = load_jwt_keys(load_settings(given))
    assert (keys.active, keys.keys) == ("k1", {"k1": "s" * 32})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", '{"active":"a","keys":{}}', '{"active":1,"keys":[]}'])
def test_a_broken_file_is_refused_in_words_and_not_replaced(fresh: Settings, content: str) -> None:
    path = fresh.instance_dir / FILE_NAME
    path.write_text(content)
    with pytest.raises(ConfigError, match=FILE_NAME):
        load_jwt_keys(fresh)
    assert path.read_text() == content
