"""What the audit lets pass is what policy.toml argues, and nothing that nobody needs is argued."""

import tomllib
from typing import Any

import pytest

from audit.licences import NPM_LOCKS, POLICY, is_allowed, npm_packages, refused
from audit.secrets import judged
from tests.support.tree import ROOT

ALLOWED = {"MIT", "Apache-2.0", "MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"}
FINDING = {"filename": "zgpt/a.py", "line_number": 3, "type": "Secret Keyword", "hashed_secret": "0123456789abcdef"}


@pytest.mark.parametrize(
    "said",
    [
        "MIT",
        "MIT AND Apache-2.0",
        "(MPL-2.0 OR GPL-3.0)",
        "MIT; Apache-2.0",
        "Mozilla Public License 2.0 (MPL 2.0)",
        "MPL-2.0 AND (Apache-2.0 OR GPL-3.0)",
        "(MIT AND (GPL-3.0 OR MPL-2.0)) OR GPL-3.0",
    ],
)
def test_a_licence_is_allowed_by_one_alternative_all_of_whose_parts_are(said: str) -> None:
    assert is_allowed(said, ALLOWED)


@pytest.mark.parametrize(
    "said",
    [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "MIT AND (GPL-3.0 OR AGPL-3.0)",
        "UNKNOWN",
        "None",
        "",
        "Business Source License 1.1",
    ],
)
def test_any_other_licence_is_refused(said: str) -> None:
    assert not is_allowed(said, ALLOWED)


def test_an_argued_package_may_not_change_its_licence_unnoticed() -> None:
    policy = {"allowed": ["MIT"], "argued": [{"package": "odd", "says": "UNKNOWN", "because": "a reason"}]}

    assert refused([("odd", "UNKNOWN")], policy) == []
    assert refused([("odd", "GPL-3.0")], policy) == ["odd: GPL-3.0"]
    assert refused([("odd", "MIT")], policy) == ["odd: argued in policy.toml, but not needed"]


def test_what_npm_brings_has_licences_that_are_allowed() -> None:
    policy = tomllib.loads(POLICY.read_text())["licences"]
    packages = npm_packages(ROOT / lock for lock in NPM_LOCKS)

    assert packages
    assert refused(packages, {**policy, "argued": []}) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"path": "zgpt/*", "kinds": ["Secret Keyword"]},
        {"path": "zgpt/a.py", "kinds": ["Secret Keyword"], "hashes": ["0123456789ab"]},
    ],
)
def test_an_argued_finding_passes(entry: dict[str, Any]) -> None:
    assert judged([FINDING], [entry]) == []


def test_another_secret_in_the_same_file_is_told_by_its_place_and_never_by_its_text() -> None:
    entry = {"path": "zgpt/a.py", "kinds": ["Secret Keyword"], "hashes": ["ffffffffffff"]}

    assert judged([FINDING], [entry]) == [
        "zgpt/a.py:3 Secret Keyword 0123456789ab",
        "zgpt/a.py: argued in policy.toml, but not found",
    ]


def test_every_exception_says_why() -> None:
    policy = tomllib.loads(POLICY.read_text())

    assert all(entry["because"] for part in policy.values() for entry in part["argued"])
