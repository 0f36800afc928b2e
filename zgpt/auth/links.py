"""The addresses in letters. Always of PUBLIC_URL: a request's Host header is whatever its sender wrote there."""

from typing import Literal

from zgpt.core.config import settings

Page = Literal["signup", "reset", "email"]


def site() -> str:
    """Where people reach this server."""
    return settings().public_url or ""


def link_to(page: Page, token: str) -> str:
    """A link that carries its secret behind the #, which no browser sends and so no log keeps."""
    return f"{site()}/#{page}={token}"
