"""The kinds of values that settings have, each checked by itself. Which settings there are is in `config`."""

import re
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from limits import parse_many
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _check_rate(value: str) -> str:
    try:
        parse_many(value)
    except ValueError:
        raise ValueError('write it like "20 per hour"; several are separated by ";"') from None
    return value


def _check_http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    return value.rstrip("/")


def _check_origin(value: str) -> str:
    parts = urlsplit(_check_http_url(value))
    if parts.path or parts.query or parts.fragment or parts.username:
        raise ValueError("an origin is only scheme, host and port, like https://chat.example.org")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _check_database_url(value: str) -> str:
    for short in ("postgres://", "postgresql://"):
        if value.startswith(short):
            return "postgresql+psycopg://" + value.removeprefix(short)
    if value.startswith(("postgresql+psycopg://", "sqlite:///")):
        return value
    raise ValueError("must begin with postgresql:// or sqlite:///")


def _check_redis_url(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "unix://", "sentinel://")):
        raise ValueError("must begin with redis://, rediss://, unix:// or sentinel://")
    return value


def _check_smtp_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"smtp", "smtps", "smtp+plain"} or not parts.hostname:
        raise ValueError("must be smtp://, smtps:// or smtp+plain://, like smtps://user:password@mail.example.org")
    if parts.scheme == "smtp+plain" and parts.password:
        raise ValueError("a password is not sent over smtp+plain://; use smtp:// or smtps://")
    if not unquote(f"{parts.username or ''}{parts.password or ''}").isascii():
        raise ValueError("user and password must be ASCII; no mail server takes others (RFC 4954)")
    _ = parts.port  # raises ValueError for what is no port
    return value


def _check_mail_from(value: str) -> str:
    if not re.fullmatch(r"([^<>@\x00-\x1f\x7f]+<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)", value):
        raise ValueError("must be an e-mail address, like zgpt@example.org or Z-GPT <zgpt@example.org>")
    return value


Rate = Annotated[str, AfterValidator(_check_rate)]
HttpUrl = Annotated[str, AfterValidator(_check_http_url)]
Origin = Annotated[str, AfterValidator(_check_origin)]
DatabaseUrl = Annotated[str, AfterValidator(_check_database_url)]
RedisUrl = Annotated[str, AfterValidator(_check_redis_url)]
Level = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lambda v: str(v).lower())]
Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)]
SmtpUrl = Annotated[SecretStr, AfterValidator(_check_smtp_url)]
MailFrom = Annotated[str, AfterValidator(_check_mail_from)]
