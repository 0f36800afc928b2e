"""What a policy consists of once it is read: rules, and what is compiled of them for prompts and for answers; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from zgpt.moderation.patterns import PatternSet
from zgpt.moderation.terms import TermSet

Action = Literal["flag", "redact", "block"]
StageName = Literal["prompt", "answer", "title"]

RANKS: dict[Action, int] = {"flag": 0, "redact": 1, "block": 2}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `notice` names a text that is shown to who wrote it; `replacement` stands where text was removed."""

    id: str
    category: str
    action: Action
    language: str
    notice: str | None
    replacement: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What is looked for in prompts, or in answers. Terms and patterns name their rule by its index in `rules`."""

    rules: tuple[Rule, ...]
    terms: TermSet
    patterns: PatternSet

    @property
    def is_empty(self) -> bool:
        return not self.terms.terms and not self.patterns.patterns


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. `notices` are texts by name and language; `digest` is the SHA-256 of the file, in hex."""

    prompt: Stage
    answer: Stage
    notices: Mapping[str, Mapping[str, str]]
    digest: str

    def notice(self, name: str, language: str) -> str | None:
        """The text of a notice in this language, else in the first that it has."""
        texts = self.notices.get(name, {})
        return texts.get(language) or next(iter(texts.values()), None)


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched, and the text it matched, which must not be kept in clear."""

    rule: Rule
    text: str
