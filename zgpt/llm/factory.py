"""From the settings to the provider that they name."""

from __future__ import annotations

import os

from zgpt.core.config import Settings

from .base import Provider
from .endpoint import find_proxy, parse_base_url
from .local import LocalProvider
from .openai import HttpProvider
from .request import Continue

_NO_NAME = "default"
"""What is asked for without LLM_MODEL: servers of a single model do not look at the name."""


def provider_from(settings: Settings) -> Provider:
    """The model server of LLM_BASE_URL, else the built-in model. Raises ValueError in words for what cannot be used."""
    if settings.llm_base_url is None:
        return LocalProvider(settings.instance_dir, settings.llm_connect_timeout_s, settings.llm_name or "")
    key = settings.llm_api_key.get_secret_value().strip() if settings.llm_api_key else None
    if key and not (key.isascii() and key.isprintable()):
        raise ValueError("LLM_API_KEY has characters in it that no key has")
    return HttpProvider(
        settings.llm_base_url,
        settings.llm_model or _NO_NAME,
        api_key=key,
        display_name=settings.llm_name or "",
        continue_mode=_continue_mode(settings.llm_continue),
        connect_timeout_s=settings.llm_connect_timeout_s,
        proxy=find_proxy(parse_base_url(settings.llm_base_url), os.environ),
    )


def _continue_mode(setting: str) -> Continue:
    """`auto` is `none` for a server that we do not know: a wrong guess would show an answer's beginning twice."""
    match setting:
        case "trailing" | "vllm":
            return setting
    return "none"
