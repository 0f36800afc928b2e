"""From a policy file to a compiled policy, or to the line that is wrong. The format stands in docs/moderation.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import cast

import yaml

from zgpt.moderation.patterns import BadPatternError, Pattern, PatternSet, compile_pattern
from zgpt.moderation.policy_nodes import PolicyError, choice, line_of, mapping, parse_yaml, sequence, text
from zgpt.moderation.rules import Action, Policy, Rule, Stage
from zgpt.moderation.spelling import Term
from zgpt.moderation.terms import TermSet, parse_term

DEFAULT_PATH = Path(__file__).with_name("default_policy.yaml")
VERSION = "1"
RULES = 500
TERMS = 20_000
TERM_CHARS = 64
TERM_LETTERS = 400_000
"""Of all terms together: the automaton takes about 400 bytes for each letter."""
PATTERNS = 200
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

_POLICY_KEYS = frozenset({"version", "rules", "notices"})
_RULE_KEYS = frozenset(
    {"id", "category", "action", "applies_to", "language", "notice", "replacement", "terms", "patterns"}
)
_STAGES = {"prompt": ("prompt",), "answer": ("answer",), "both": ("prompt", "answer")}


@dataclass(slots=True)
class _Draft:
    """What has been read so far."""

    rules: list[Rule] = field(default_factory=list)
    terms: dict[str, list[Term]] = field(default_factory=lambda: {"prompt": [], "answer": []})
    patterns: dict[str, list[Pattern]] = field(default_factory=lambda: {"prompt": [], "answer": []})
    letters: int = 0
    pattern_count: int = 0
    term_count: int = 0


def load_policy(data: bytes) -> Policy:
    """Compile the policy; raises PolicyError that names the first wrong line."""
    root = mapping(parse_yaml(data), _POLICY_KEYS, ("version", "rules"))
    choice(root["version"], (VERSION,))
    notices = _notices(root.get("notices"))
    draft = _Draft()
    for node in sequence(root["rules"], RULES):
        _read_rule(node, draft, notices)
    rules = tuple(draft.rules)
    stages = {
        name: _stage(rules, draft.terms[name], draft.patterns[name], root["rules"]) for name in ("prompt", "answer")
    }
    return Policy(stages["prompt"], stages["answer"], notices, sha256(data).hexdigest())


def _stage(rules: tuple[Rule, ...], terms: list[Term], patterns: list[Pattern], node: yaml.Node) -> Stage:
    try:
        return Stage(rules, TermSet(terms), PatternSet(patterns))
    except BadPatternError as fault:
        raise PolicyError(line_of(node), f"all patterns together are too large: {fault}") from None


def _notices(node: yaml.Node | None) -> Mapping[str, Mapping[str, str]]:
    if node is None:
        return {}
    return {
        name: {language: text(value).strip() for language, value in mapping(texts).items()}
        for name, texts in mapping(node).items()
    }


def _read_rule(node: yaml.Node, draft: _Draft, notices: Mapping[str, object]) -> None:
    keys = mapping(node, _RULE_KEYS, ("id", "category", "action"))
    rule = Rule(
        id=_name(keys["id"]),
        category=_name(keys["category"]),
        action=cast("Action", choice(keys["action"], ("flag", "redact", "block"))),
        language=text(keys["language"]) if "language" in keys else "",
        notice=text(keys["notice"]) if "notice" in keys else None,
        replacement=text(keys["replacement"], 100) if "replacement" in keys else "[removed]",
    )
    if any(known.id == rule.id for known in draft.rules):
        raise PolicyError(line_of(keys["id"]), f"there is a rule {rule.id!r} already")
    if rule.notice is not None and rule.notice not in notices:
        raise PolicyError(line_of(keys["notice"]), f"there is no notice {rule.notice!r} under `notices`")
    if "terms" not in keys and "patterns" not in keys:
        raise PolicyError(line_of(node), "a rule needs `terms` or `patterns`")
    stages = _STAGES[choice(keys["applies_to"], tuple(_STAGES)) if "applies_to" in keys else "both"]
    draft.rules.append(rule)
    _read_terms(keys.get("terms"), draft, stages)
    _read_patterns(keys.get("patterns"), draft, stages)


def _read_terms(node: yaml.Node | None, draft: _Draft, stages: tuple[str, ...]) -> None:
    for item in sequence(node, TERMS):
        try:
            term = parse_term(text(item, TERM_CHARS), len(draft.rules) - 1)
        except PolicyError:
            raise
        except ValueError as fault:
            raise PolicyError(line_of(item), str(fault)) from None
        draft.term_count += 1
        draft.letters += len(term.letters)
        if draft.term_count > TERMS or draft.letters > TERM_LETTERS:
            raise PolicyError(line_of(item), f"there are more than {TERMS} terms, or {TERM_LETTERS} letters in them")
        for stage in stages:
            draft.terms[stage].append(term)


def _read_patterns(node: yaml.Node | None, draft: _Draft, stages: tuple[str, ...]) -> None:
    for item in sequence(node, PATTERNS):
        draft.pattern_count += 1
        if draft.pattern_count > PATTERNS:
            raise PolicyError(line_of(item), f"there are more than {PATTERNS} patterns")
        try:
            once = draft.rules[-1].action != "redact"
            pattern = compile_pattern(text(item), len(draft.rules) - 1, streamed="answer" in stages, once=once)
        except BadPatternError as fault:
            raise PolicyError(line_of(item), f"this pattern cannot be used: {fault}") from None
        for stage in stages:
            draft.patterns[stage].append(pattern)


def _name(node: yaml.Node) -> str:
    value = text(node)
    if not NAME.fullmatch(value):
        raise PolicyError(line_of(node), f"{value!r} is no name: small letters, digits, dots and hyphens")
    return value
