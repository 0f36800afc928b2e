"""Check 28: the policy that pages really carry, judged by csp_evaluator."""

import json
import subprocess
import sys
from pathlib import Path

from flask import Flask

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(sys.prefix) / "bin" / "node"
ACCEPTED = {("MEDIUM_MAYBE", "script-src", "'self'")}
"""'self' is unsafe where a site hosts JSONP, Angular or uploads: ours hosts its own modules and nothing else."""


def _findings(policy: str) -> list[dict[str, str]]:
    argv = [str(NODE), "tests/js/support/evaluate_csp.mjs"]
    done = subprocess.run(argv, cwd=ROOT, input=policy, capture_output=True, text=True, check=True, timeout=30)
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_sec_28_the_evaluator_finds_nothing_in_the_policy_but_what_is_argued_here(app: Flask) -> None:
    policy = app.test_client().get("/", buffered=True).headers["Content-Security-Policy"]
    found = {(finding["severity"], finding["directive"], finding.get("value", "")) for finding in _findings(policy)}
    assert found <= ACCEPTED


def test_sec_28_the_evaluator_would_find_a_hole() -> None:
    found = _findings("script-src 'self' 'unsafe-inline' *; base-uri 'self'")
    assert "HIGH" in {finding["severity"] for finding in found}
