"""Every setting: read once, typed, checked together. What each is for stands in docs/configuration.md."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from flask import current_app
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from zgpt.core.config_checks import clashes
from zgpt.core.config_types import (
    DatabaseUrl,
    HttpUrl,
    Level,
    MailFrom,
    Origins,
    Positive,
    Rate,
    RedisUrl,
    Seconds,
    SmtpUrl,
)

DEFAULT_SYSTEM_PROMPT = "You are Z-GPT, a helpful assistant. Answer clearly and briefly. Use Markdown."
LOCAL_CONCURRENCY = 4
REMOTE_CONCURRENCY = 64


class ConfigError(Exception):
    """What is wrong with the settings: one line per fault in `faults`, all of them at once."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("The settings are not right:\n" + "\n".join(f"  - {fault}" for fault in faults))


class Settings(BaseSettings):
    """All settings. The environment's name of each is its own in capitals: `access_token_s` is `ACCESS_TOKEN_S`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True)

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65_535)
    public_url: HttpUrl | None = None
    web_concurrency: int = Field(1, ge=1, le=256)
    worker_memory_mb: int = Field(0, ge=0, le=1_048_576)
    instance_dir: Path = Path("instance")
    log_level: Level = "info"
    log_format: Literal["json", "console"] = "json"

    database_url: DatabaseUrl = ""
    database_pool_size: int = Field(5, ge=1, le=200)
    database_statement_timeout_ms: Positive = 5_000
    redis_url: RedisUrl | None = None

    access_token_s: int = Field(900, ge=5, le=86_400)
    refresh_token_days: int = Field(30, ge=1, le=365)
    refresh_grace_s: float = Field(10, ge=0, le=60)
    bcrypt_cost: int = Field(12, ge=4, le=16)
    jwt_secret: SecretStr | None = None
    data_secret: SecretStr | None = None
    jwt_kid: str = Field("env", min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    jwt_previous_secret: SecretStr | None = None
    jwt_previous_kid: str = Field("env-previous", min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    retention_days: int | None = Field(None, ge=1, le=36_500)

    smtp_url: SmtpUrl | None = None
    mail_from: MailFrom | None = None

    llm_base_url: HttpUrl | None = None
    llm_api_key: SecretStr | None = None
    llm_model: str | None = None
    llm_name: str | None = None
    llm_system_prompt: str = DEFAULT_SYSTEM_PROMPT
    llm_context_tokens: int = Field(2_048, ge=256)
    llm_max_output_tokens: Positive = 512
    llm_temperature: float = Field(0.7, ge=0, le=2)
    llm_concurrency: int = Field(0, ge=0, le=10_000)
    llm_continue: Literal["auto", "none", "trailing", "vllm"] = "auto"
    llm_connect_timeout_s: Seconds = 5
    llm_first_token_timeout_s: Seconds = 30
    llm_idle_timeout_s: Seconds = 30
    llm_total_timeout_s: Seconds = 600
    llm_titles: bool = True

    moderation: bool = True
    moderation_policy: Path | None = None
    moderation_url: HttpUrl | None = None
    moderation_api_key: SecretStr | None = None
    moderation_model: str | None = None
    moderation_timeout_s: Seconds = 2
    moderation_fail: Literal["open", "closed"] = "open"

    limit_signup: Rate = "20 per hour"
    limit_login: Rate = "10 per minute"
    limit_messages: Rate = "30 per minute"
    limit_requests: Rate = "1200 per minute"
    limit_commands: Rate = "2400 per minute"
    limit_addresses: Rate = "6000 per minute"
    limits_without_redis: Literal["local", "open", "closed"] = "local"
    quota_runs: int = Field(10, ge=0, le=100_000)
    quota_tokens_per_day: int = Field(0, ge=0)
    quota_cost_per_month: float = Field(0, ge=0)
    price_input: float = Field(0, ge=0)
    price_output: float = Field(0, ge=0)
    max_message_bytes: int = Field(32_768, ge=1_024, le=1_048_576)
    max_frame_bytes: int = Field(65_536, ge=4_096, le=4_194_304)

    heartbeat_s: Seconds = 25
    hello_timeout_s: Seconds = 10
    send_stall_s: Seconds = 30
    flush_window_ms: float = Field(16, ge=0, le=1_000)
    max_connections: Positive = 20_000
    max_connections_per_user: Positive = 50
    max_connections_per_ip: Positive = 1_000
    max_connections_without_hello: Positive = 5_000
    checkpoint_s: Seconds = 1.0

    allowed_origins: Origins = ()
    trusted_proxies: int = Field(0, ge=0, le=10)
    https: bool = False
    https_redirect: bool = False
    metrics_token: SecretStr | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` passes: one way in, so that a test's mapping is all there is."""
        return (init_settings,)

    @model_validator(mode="before")
    @classmethod
    def _fill_what_follows(cls, values: dict[str, Any]) -> dict[str, Any]:
        directory = Path(values.get("instance_dir", "instance")).expanduser().absolute()
        remote = bool(values.get("llm_base_url"))
        follows = {
            "database_url": f"sqlite:///{directory / 'zgpt.db'}",
            "llm_concurrency": REMOTE_CONCURRENCY if remote else LOCAL_CONCURRENCY,
        }
        return {**follows, **values, "instance_dir": directory}

    @model_validator(mode="after")
    def _check_together(self) -> "Settings":
        faults = clashes(self)
        if faults:
            raise ValueError("\n".join(faults))
        return self

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the built-in SQLite."""
        return self.database_url.startswith("sqlite")

    @property
    def llm_concurrency_here(self) -> int:
        """This process's share of `llm_concurrency`; at least one, for a process without any would answer nobody."""
        return -(-self.llm_concurrency // self.web_concurrency)

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach us by HTTPS, so that cookies are Secure and HSTS is sent."""
        return self.https or (self.public_url or "").startswith("https://")

    @property
    def is_exposed(self) -> bool:
        """Whether others can reach us: anything but a developer's own machine."""
        is_local = self.host in {"127.0.0.1", "::1", "localhost"}
        return not is_local or bool(self.public_url or self.https or self.trusted_proxies)


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """The settings from `env` (default: the process's environment); raises ConfigError that tells every fault."""
    source = os.environ if env is None else env
    given = {name: source[name.upper()] for name in Settings.model_fields if source.get(name.upper())}
    try:
        return Settings(**cast("dict[str, Any]", given))
    except ValidationError as error:
        raise ConfigError(_faults(error)) from None


def settings() -> Settings:
    """The settings of the current app."""
    return cast("Settings", current_app.config["ZGPT"])


def _faults(error: ValidationError) -> list[str]:
    faults: list[str] = []
    for item in error.errors(include_url=False, include_input=False):
        text = item["msg"].removeprefix("Value error, ")
        name = str(item["loc"][0]).upper() if item["loc"] else ""
        faults += [f"{name}: {line}" if name else line for line in text.splitlines()]
    return faults
