"""What is installed is exactly what was looked at: every requirement is pinned and hashed."""

import itertools
import json
import re

import pytest

from tests.support.tree import ROOT, texts

LOCKS = [one for one in texts(".txt") if re.fullmatch(r"(bench/)?requirements[a-z-]*\.txt", one[0])]
SOURCES = [one for one in texts(".in") if one[0].startswith(("requirements", "bench/requirements"))]
PINNED = re.compile(r"^[a-z0-9._-]+(\[[a-z,]+\])?==[^\s\\]+( ; [^\\]+)? \\$", re.IGNORECASE)
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


@pytest.mark.parametrize(("name", "text"), [pytest.param(*one, id=one[0]) for one in LOCKS])
def test_every_line_of_a_lock_is_a_pin_or_its_hash(name: str, text: str) -> None:
    lines = text.splitlines()

    assert lines
    assert [line for line in lines if not (PINNED.match(line) or HASH.match(line))] == []
    assert all(HASH.match(after) for line, after in itertools.pairwise(lines) if PINNED.match(line))


@pytest.mark.parametrize(("name", "text"), [pytest.param(*one, id=one[0]) for one in SOURCES])
def test_what_is_asked_for_is_locked(name: str, text: str) -> None:
    lock = (ROOT / name).with_suffix(".txt").read_text().lower()
    asked = [re.split(r"[\[=<>~]", line)[0] for line in text.splitlines() if line and line[0] not in "#-"]

    assert [package for package in asked if f"{package}==" not in lock and f"{package}[" not in lock] == []


@pytest.mark.parametrize("name", ["package-lock.json", "tests/browser/package-lock.json", "audit/package-lock.json"])
def test_every_npm_package_is_locked_by_its_hash(name: str) -> None:
    packages = json.loads((ROOT / name).read_text())["packages"]

    unhashed = [path for path, package in packages.items() if path and not package.get("integrity")]
    assert unhashed == []
    assert "resolved" not in json.dumps(packages)
