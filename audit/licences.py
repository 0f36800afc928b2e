"""Which licences come with the packages, held against policy.toml. It reads what they say of themselves, no texts."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from audit.tools import PYTHON, ROOT, FoundError, answer

POLICY = ROOT / "audit" / "policy.toml"
_BRACKETS = re.compile(r"\(([^()]* (?:AND|OR) [^()]*)\)")
"""Of an expression; those of a name ("… (MPL 2.0)") hold no operator."""
_ALLOWED, _REFUSED = "allowed", "refused"
NPM_LOCKS = ("package-lock.json", "tests/browser/package-lock.json", "audit/package-lock.json")

Packages = list[tuple[str, str]]
"""Names and the licences that they say they have."""


def check() -> str:
    """FoundError names each package whose licence is neither allowed nor argued; else a summary."""
    policy = tomllib.loads(POLICY.read_text(encoding="utf-8"))["licences"]
    python, npm = python_packages(), npm_packages(ROOT / lock for lock in NPM_LOCKS)
    if faults := refused([*python, *npm], policy):
        raise FoundError("\n".join(faults))
    said = Counter(licence for _, licence in [*python, *npm])
    common = ", ".join(f"{name} {number}" for name, number in said.most_common(4))
    return f"{len(python)} of Python, {len(npm)} of npm ({common} …)"


def refused(packages: Packages, policy: dict[str, Any]) -> list[str]:
    """A line for each package that the policy does not cover, and for each exception that nothing needs."""
    argued = {one["package"]: one["says"] for one in policy["argued"]}
    allowed = set(policy["allowed"])
    bad = [(name, said) for name, said in packages if not is_allowed(said, allowed)]
    lines = [f"{name}: {said}" for name, said in bad if argued.get(name) != said]
    return lines + [f"{name}: argued in policy.toml, but not needed" for name in argued.keys() - dict(bad).keys()]


def is_allowed(said: str, allowed: set[str]) -> bool:
    """One alternative (`OR`) all of whose parts (`AND`, or `;` between classifiers) are allowed; brackets go first."""
    while inner := _BRACKETS.search(said):
        said = said.replace(inner[0], _ALLOWED if _is_met(inner[1], allowed) else _REFUSED)
    return _is_met(said.strip("()") if said.startswith("(") else said, allowed)


def _is_met(expression: str, allowed: set[str]) -> bool:
    alternatives = (re.split(r" AND |; ?", one) for one in expression.split(" OR "))
    return any(all(part == _ALLOWED or part in allowed for part in parts) for parts in alternatives)


def python_packages() -> Packages:
    """Everything in .venv: what serves, and what checks it."""
    listed = json.loads(answer("pip-licenses", "--python", PYTHON, "--from", "mixed", "--format", "json"))
    return [(one["Name"], one["License"]) for one in listed]


def npm_packages(locks: Iterable[Path]) -> Packages:
    """Everything in the lock files, those for other systems included."""
    entries = (json.loads(lock.read_text(encoding="utf-8"))["packages"].items() for lock in locks)
    packages = ((path, one) for lock in entries for path, one in lock if path)
    return sorted({(path.rpartition("node_modules/")[2], str(one.get("license"))) for path, one in packages})
