"""A search for secrets in every file of the repository, held against the argued ones in policy.toml."""

import json
import tomllib
from fnmatch import fnmatchcase
from typing import Any

from audit.licences import POLICY
from audit.tools import FoundError, answer, files

# Hashes of packages are as random as keys.
GENERATED = r"(^|/)(requirements[a-z-]*\.txt|package-lock\.json)$"

Finding = dict[str, Any]
"""One finding as detect-secrets writes it."""


def check() -> str:
    """FoundError names the place of each finding that is not argued, never its text; else a summary."""
    names = files()
    found = findings(names)
    if faults := judged(found, tomllib.loads(POLICY.read_text(encoding="utf-8"))["secrets"]["argued"]):
        raise FoundError("\n".join(faults))
    return f"{len(names)} files, {len(found)} findings, each argued"


def findings(names: list[str]) -> list[Finding]:
    """What looks like a secret. Nothing is sent anywhere to find out whether it works."""
    said = answer("detect-secrets", "scan", "--no-verify", "--exclude-files", GENERATED, *names)
    return [one for found in json.loads(said)["results"].values() for one in found]


def judged(found: list[Finding], argued: list[dict[str, Any]]) -> list[str]:
    """A line for each finding that no entry covers, and for each entry that covers nothing."""
    open_ones = [one for one in found if not any(_covers(entry, one) for entry in argued)]
    idle = [entry for entry in argued if not any(_covers(entry, one) for one in found)]
    lines = [f"{one['filename']}:{one['line_number']} {one['type']} {one['hashed_secret'][:12]}" for one in open_ones]
    return lines + [f"{entry['path']}: argued in policy.toml, but not found" for entry in idle]


def _covers(entry: dict[str, Any], one: Finding) -> bool:
    """By path and kind, and by the hash of the text unless all of a kind is meant."""
    hashes = entry.get("hashes")
    return (
        fnmatchcase(one["filename"], entry["path"])
        and one["type"] in entry["kinds"]
        and (hashes is None or one["hashed_secret"][:12] in hashes)
    )
