"""docs/configuration.md says what config.py does."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from zgpt.core.config import Settings, load_settings

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### ([A-Z_]+)\n(.+?)(?=\n#|\Z)", TEXT, re.MULTILINE | re.DOTALL))
FOLLOWS = {"DATABASE_URL", "LLM_SYSTEM_PROMPT", "LLM_CONCURRENCY"}
"""Settings whose default follows from others, or is a long text."""


def test_every_setting_has_a_section_and_every_section_a_setting() -> None:
    assert sorted(SECTIONS) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize("name", sorted({name.upper() for name in Settings.model_fields} - FOLLOWS))
def test_the_section_tells_the_default(name: str) -> None:
    default = Settings.model_fields[name.lower()].default
    if default is None or default == ():
        assert SECTIONS[name].startswith("Not set")
        return
    shown = "true" if default is True else "false" if default is False else str(default)
    assert SECTIONS[name].startswith(f"Default `{shown}`")


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_a_default_that_is_shown_is_accepted(name: str) -> None:
    shown = re.match(r"Default `([^`]*)`", SECTIONS[name])
    if shown is None:
        assert SECTIONS[name].startswith(("Not set", "Default: "))
        return
    given = getattr(load_settings({name: shown.group(1)}), name.lower())
    assert given == getattr(load_settings({}), name.lower())
    assert not isinstance(given, SecretStr)


def test_every_choice_of_a_setting_is_named() -> None:
    for name in ("log_level", "log_format", "llm_continue"):
        for choice in Settings.model_json_schema()["properties"][name]["enum"]:
            assert f"`{choice}`" in SECTIONS[name.upper()]
