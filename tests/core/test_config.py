"""The settings: defaults, parsing, and faults in words."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from zgpt.core.config import ConfigError, load_settings


def faults(env: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(env)
    return caught.value.faults


def test_nothing_set_means_sqlite_in_the_instance_directory_and_the_built_in_model() -> None:
    settings = load_settings({})
    assert settings.instance_dir == Path("instance").absolute()
    assert settings.database_url == f"sqlite:///{settings.instance_dir / 'zgpt.db'}"
    assert settings.is_sqlite
    assert (settings.llm_base_url, settings.llm_concurrency, settings.redis_url) == (None, 4, None)


def test_a_remote_model_gets_more_concurrency_unless_it_is_set() -> None:
    remote = {"LLM_BASE_URL": "http://127.0.0.1:1/v1/"}
    assert load_settings(remote).llm_concurrency == 64
    assert load_settings({**remote, "LLM_CONCURRENCY": "3"}).llm_concurrency == 3
    assert load_settings(remote).llm_base_url == "http://127.0.0.1:1/v1"


def test_an_empty_variable_is_as_if_not_set() -> None:
    assert load_settings({"REDIS_URL": "", "PORT": ""}) == load_settings({})


def test_the_database_moves_with_the_instance_directory(tmp_path: Path) -> None:
    assert load_settings({"INSTANCE_DIR": str(tmp_path)}).database_url == f"sqlite:///{tmp_path}/zgpt.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_name_of_postgresql_means_psycopg(scheme: str) -> None:
    url = load_settings({"DATABASE_URL": f"{scheme}://u:p@db/zgpt"}).database_url
    assert url == "postgresql+psycopg://u:p@db/zgpt"


def test_origins_are_separated_by_commas_and_written_in_one_way() -> None:
    given = {"ALLOWED_ORIGINS": "https://Chat.Example.org/, http://localhost:3000"}
    assert load_settings(given).allowed_origins == ("https://chat.example.org", "http://localhost:3000")


def test_all_faults_are_told_at_once_each_with_its_name() -> None:
    told = faults({"PORT": "many", "LIMIT_LOGIN": "often", "DATABASE_URL": "mysql://x", "LLM_CONTINUE": "maybe"})
    assert [fault.split(":")[0] for fault in told] == ["PORT", "DATABASE_URL", "LLM_CONTINUE", "LIMIT_LOGIN"]


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"WEB_CONCURRENCY": "2"}, "needs REDIS_URL"),
        ({"JWT_SECRET": "short"}, "at least 32 bytes"),
        ({"LLM_MAX_OUTPUT_TOKENS": "4096"}, "below LLM_CONTEXT_TOKENS"),
        ({"MAX_FRAME_BYTES": "32768"}, "above MAX_MESSAGE_BYTES"),
        ({"ALLOWED_ORIGINS": "https://a.b/path"}, "ALLOWED_ORIGINS: an origin is only"),
        ({"REDIS_URL": "http://redis"}, "REDIS_URL: must begin with redis://"),
        ({"LLM_BASE_URL": "ftp://x"}, "LLM_BASE_URL: must be an http"),
        ({"BCRYPT_COST": "31"}, "BCRYPT_COST: "),
        ({"SMTP_URL": "smtps://zgpt:p%C3%A4ss@mail.example.org"}, "SMTP_URL: user and password must be ASCII"),
        ({"HTTPS": "true", "REDIS_URL": "redis://:changeme@redis/0"}, "REDIS_URL has a password that everybody"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_in_words(env: dict[str, str], words: str) -> None:
    assert any(words in fault for fault in faults(env))


def test_faults_do_not_repeat_a_secret() -> None:
    assert not any("hunter2" in fault for fault in faults({"JWT_SECRET": "hunter2", "DATABASE_URL": "x://hunter2"}))


def test_secrets_do_not_show_when_the_settings_are_printed() -> None:
    shown = repr(load_settings({"LLM_API_KEY": "sk-hunter2", "METRICS_TOKEN": "hunter2", "JWT_SECRET": "hunter2" * 5}))
    assert "hunter2" not in shown


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings({}).port = 1


def test_without_a_mapping_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PORT", "9999")
    assert load_settings().port == 9999


@pytest.mark.parametrize(
    ("env", "secure"), [({}, False), ({"HTTPS": "true"}, True), ({"PUBLIC_URL": "https://c.org"}, True)]
)
def test_cookies_are_secure_where_browsers_come_by_https(env: dict[str, str], secure: bool) -> None:
    assert load_settings(env).secure_cookies is secure


@pytest.mark.parametrize(("workers", "limit", "share"), [("1", "4", 4), ("2", "5", 3), ("6", "4", 1)])
def test_each_worker_has_a_share_of_the_answers_at_once(workers: str, limit: str, share: int) -> None:
    env = {"WEB_CONCURRENCY": workers, "LLM_CONCURRENCY": limit, "REDIS_URL": "redis://host"}
    assert load_settings(env).llm_concurrency_here == share
