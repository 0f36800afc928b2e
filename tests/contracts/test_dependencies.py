"""docs/decisions/0006-dependencies.md says why each package is here: no more and no fewer than are asked for."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "decisions" / "0006-dependencies.md"


def _asked_for() -> set[str]:
    names: set[str] = set()
    for source in ROOT.glob("requirements*.in"):
        lines = (line.split("#")[0].strip() for line in source.read_text().splitlines())
        names |= {re.split(r"[\[=<>~ ;]", line)[0] for line in lines if line and not line.startswith("-")}
    for source in (ROOT / "package.json", ROOT / "tests" / "browser" / "package.json", ROOT / "audit" / "package.json"):
        package = json.loads(source.read_text())
        names |= {*package.get("dependencies", {}), *package.get("devDependencies", {})}
    return names


def _explained() -> set[str]:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", PAGE.read_text(), re.MULTILINE)
    return {name.strip() for row in rows if row.strip() != "package" for name in row.split(",")}


def test_every_dependency_has_its_reason_and_every_reason_its_dependency() -> None:
    assert _explained() == _asked_for()
