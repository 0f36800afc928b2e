"""The workflows run the README's commands, with no rights that they do not need."""

import re
from typing import Any

import pytest
import yaml

from tests.support.tree import ROOT, texts

WORKFLOWS = texts(".yml", under=".github/workflows")
PINNED = re.compile(r"^[\w./-]+@[0-9a-f]{40}$")


def _steps(text: str) -> list[dict[str, Any]]:
    return [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize(("name", "text"), [pytest.param(*one, id=one[0]) for one in WORKFLOWS])
def test_a_workflow_starts_without_any_permission(name: str, text: str) -> None:
    assert yaml.safe_load(text)["permissions"] == {}


@pytest.mark.parametrize(("name", "text"), [pytest.param(*one, id=one[0]) for one in WORKFLOWS])
def test_other_peoples_actions_are_pinned_to_a_commit(name: str, text: str) -> None:
    assert [step["uses"] for step in _steps(text) if "uses" in step and not PINNED.match(step["uses"])] == []


def test_continuous_integration_runs_the_two_commands_and_the_audit() -> None:
    ran = [step["run"] for _, text in WORKFLOWS for step in _steps(text) if "run" in step]

    assert ".ci/run" in ran
    assert "make audit ONLINE=1" in ran
    assert re.findall(r"^make (\w+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE) == ["check", "test"]
