"""Every alert can fire, and whoever it wakes finds a page that says what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.tree import ROOT
from zgpt.core import metrics

RULES = ROOT / "docker" / "prometheus" / "rules.yml"
RUNBOOKS = ROOT / "runbooks"
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
DERIVED = re.compile(r"_(bucket|sum|count|total|created)$")


def _alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def _family(name: str) -> str:
    return DERIVED.sub("", name)


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert {alert["alert"] for alert in _alerts()} == {page.stem for page in RUNBOOKS.glob("*.md")}


@pytest.mark.parametrize("alert", _alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_asks_only_for_metrics_that_exist(alert: dict[str, Any]) -> None:
    known = {family.name for metric in metrics.ALL for family in metric.describe()}
    asked = {_family(name) for name in re.findall(r"zgpt_\w+", alert["expr"])}

    assert asked
    assert asked <= known


@pytest.mark.parametrize("alert", _alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_leads_to_its_runbook(alert: dict[str, Any]) -> None:
    assert alert["annotations"]["runbook"] == f"runbooks/{alert['alert']}.md"


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_a_runbook_says_what_it_means_and_what_to_do(page: Path) -> None:
    assert re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE) == HEADINGS


def test_promtools_examples_cover_each_alert() -> None:
    examples = yaml.safe_load((RULES.parent / "rules_test.yml").read_text())["tests"]
    raised = {case["alertname"] for one in examples for case in one["alert_rule_test"] if case["exp_alerts"]}

    assert raised == {alert["alert"] for alert in _alerts()}
