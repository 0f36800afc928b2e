"""From settings to a provider."""

from pathlib import Path

import pytest

from zgpt.core.config import load_settings
from zgpt.llm.factory import provider_from
from zgpt.llm.local import LocalProvider
from zgpt.llm.openai import HttpProvider


def test_without_a_url_it_is_the_built_in_model(tmp_path: Path) -> None:
    provider = provider_from(load_settings({"INSTANCE_DIR": str(tmp_path), "LLM_NAME": "Smol"}))
    assert isinstance(provider, LocalProvider)
    assert (provider.display_name, provider.can_continue) == ("Smol", True)


@pytest.mark.parametrize(
    ("setting", "can_continue"), [("auto", False), ("none", False), ("trailing", True), ("vllm", True)]
)
def test_a_url_names_a_server_and_how_it_continues(setting: str, can_continue: bool) -> None:
    env = {"LLM_BASE_URL": "http://h:1/v1", "LLM_MODEL": "m", "LLM_API_KEY": "k", "LLM_CONTINUE": setting}
    provider = provider_from(load_settings(env))
    assert isinstance(provider, HttpProvider)
    assert (provider.model, provider.display_name, provider.can_continue) == ("m", "m", can_continue)


def test_a_key_with_a_line_break_inside_is_refused() -> None:
    with pytest.raises(ValueError, match="LLM_API_KEY"):
        provider_from(load_settings({"LLM_BASE_URL": "http://h/v1", "LLM_API_KEY": "a\r\nX-Evil: 1"}))
