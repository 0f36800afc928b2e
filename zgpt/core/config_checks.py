"""Faults that no single setting has, but two together, or one in front of the internet. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zgpt.core import weak_secrets

if TYPE_CHECKING:
    from zgpt.core.config import Settings

MIN_SECRET_BYTES = 32
MIN_BCRYPT_COST = 10
"""Below it a stolen table of hashes is guessed in bulk. OWASP's Password Storage Cheat Sheet asks for no less."""
LEAST_CHARS = {
    "jwt_secret": MIN_SECRET_BYTES,
    "jwt_previous_secret": MIN_SECRET_BYTES,
    "data_secret": MIN_SECRET_BYTES,
    "metrics_token": weak_secrets.MIN_TOKEN_CHARS,
}


def clashes(settings: Settings) -> list[str]:
    """All of them, in words."""
    faults = [*_of_parts(settings), *_of_sizes(settings), *_of_secrets(settings)]
    return faults + ([*_weak_secrets(settings), *_weak_hashes(settings)] if settings.is_exposed else [])


def _of_parts(settings: Settings) -> list[str]:
    faults = []
    if settings.web_concurrency > 1 and settings.redis_url is None:
        faults.append("WEB_CONCURRENCY above 1 needs REDIS_URL, or viewers on one worker miss what another one writes")
    if settings.smtp_url and not (settings.mail_from and settings.public_url):
        faults.append("SMTP_URL needs MAIL_FROM and PUBLIC_URL: the sender, and the address that links lead to")
    leads_to_https = (settings.public_url or "").startswith("https://") and settings.trusted_proxies
    if settings.https_redirect and not leads_to_https:
        faults.append("HTTPS_REDIRECT needs a PUBLIC_URL of https:// to lead to, and TRUSTED_PROXIES to tell what came")
    return faults


def _of_sizes(settings: Settings) -> list[str]:
    faults = []
    if settings.llm_max_output_tokens >= settings.llm_context_tokens:
        faults.append("LLM_MAX_OUTPUT_TOKENS must be below LLM_CONTEXT_TOKENS, or no question fits")
    if settings.max_frame_bytes < settings.max_message_bytes + 1_024:
        faults.append("MAX_FRAME_BYTES must be at least 1024 above MAX_MESSAGE_BYTES, or a long message cannot be sent")
    return faults


def _of_secrets(settings: Settings) -> list[str]:
    given = {"JWT_SECRET": settings.jwt_secret, "DATA_SECRET": settings.data_secret}
    faults = [
        f"{name} needs at least {MIN_SECRET_BYTES} bytes"
        for name, secret in given.items()
        if secret and len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES
    ]
    if settings.jwt_previous_secret and (not settings.jwt_secret or settings.jwt_kid == settings.jwt_previous_kid):
        faults.append("JWT_PREVIOUS_SECRET needs a JWT_SECRET beside it, and a JWT_PREVIOUS_KID that is not JWT_KID")
    return faults


def _weak_secrets(settings: Settings) -> list[str]:
    """What is fine on a developer's machine and guards nothing elsewhere."""
    given = {name: getattr(settings, name) for name in LEAST_CHARS}
    faults = [
        f"{name.upper()} {fault}"
        for name, secret in given.items()
        if secret and (fault := weak_secrets.fault_of_secret(secret.get_secret_value(), LEAST_CHARS[name]))
    ]
    urls = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url or ""}
    weak = [name for name, url in urls.items() if weak_secrets.has_common_password(url)]
    return faults + [f"{name} has a password that everybody tries first" for name in weak]


def _weak_hashes(settings: Settings) -> list[str]:
    """Passwords that a test may hash cheaply, and a server that others reach may not."""
    if settings.bcrypt_cost >= MIN_BCRYPT_COST:
        return []
    return [
        f"BCRYPT_COST must be at least {MIN_BCRYPT_COST} where others reach the server: cheaper hashes are guessed soon"
    ]
