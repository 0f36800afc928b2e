"""A policy file is compiled, or refused with the line that is wrong."""

import pytest

from tests.moderation.texts import POLICY, policy
from zgpt.core import clock
from zgpt.moderation.policy import DEFAULT_PATH, PATTERNS, RULES, TERMS, load_policy
from zgpt.moderation.policy_nodes import FILE_BYTES, PolicyError
from zgpt.moderation.stream import StreamFilter

HEAD = "version: 1\nrules:\n"


def rule(*lines: str, first: str = "id: a") -> str:
    return HEAD + "\n".join([f"  - {first}", "    category: c", "    action: block", *lines]) + "\n"


def patterns(*found: str) -> str:
    return rule("    patterns:", *(f"      - '{one}'" for one in found))


def test_the_policy_that_is_shipped_compiles_and_works_for_every_language() -> None:
    shipped = load_policy(DEFAULT_PATH.read_bytes())
    languages = ("en", "de", "fr", "es", "tr", "ru", "pt", "it", "pl", "zh", "ja", "ar")
    notices = {shipped.notice("self_harm", language) for language in languages}

    assert len(notices - {None}) == len(languages)
    assert shipped.notice("self_harm", "xx") == shipped.notice("self_harm", "en")
    assert shipped.notice("other", "en") is None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("- a\n", 1, "mapping"),
        ("version: 1\nrules: [\n", 3, "no YAML"),
        ("version: 1\nrules: \x07\n", 1, "no YAML"),
        ("version: 2\nrules: []\n", 1, "'2' is none of 1"),
        ("version: 1\nrules: a\n", 2, "list"),
        ("version: 1\n", 1, "'rules' is missing"),
        ("version: 1\nrulez: []\n", 2, "'rulez' is not known"),
        ("version: 1\nversion: 1\nrules: []\n", 2, "twice"),
        ("version: 1\nrules: &a []\nnotices: *a\n", 3, "anchors"),
        (rule(), 3, "needs `terms` or `patterns`"),
        (rule("    terms: [x]"), 6, "fewer than two letters"),
        (rule("    terms: ['']"), 6, "empty"),
        (rule("    terms: [[]]"), 6, "must be a text"),
        (rule(f"    terms: [{'x' * 65}]"), 6, "longer than 64"),
        (rule("    terms: [xx]", "    notice: none"), 7, "no notice 'none'"),
        (rule("    terms: [xx]", first="id: A b"), 3, "no name"),
        (rule("    terms: [xx]", "    applies_to: all"), 7, "'all' is none of"),
        (rule("    terms: [xx]") + rule("    terms: [yy]").removeprefix(HEAD), 7, "a rule 'a' already"),
        (patterns("ok", "(?<=a)b"), 8, "RE2 does not take it"),
        (patterns(r"(a)\1"), 7, "RE2 does not take it"),
        (patterns("(a{1000}){1000}"), 7, "RE2 does not take it"),
        (patterns("(a+)+$"), 7, "more than 512 characters"),
        (patterns("^a"), 7, "beginning or the end"),
        (patterns("a*"), 7, "matches nothing"),
        (patterns("(?:ab)?"), 7, "matches nothing"),
        (patterns("x" * 1_001), 7, "longer than 1000"),
        (patterns(*["ab"] * (PATTERNS + 1)), 7 + PATTERNS, "more than 200"),
    ],
)
def test_a_bad_policy_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(PolicyError) as fault:
        load_policy(text.encode())

    assert str(fault.value).startswith(f"line {line}: ")
    assert words in str(fault.value)


def test_a_file_of_twenty_thousand_patterns_or_of_two_mebibytes_is_refused_at_once() -> None:
    began_s = clock.cpu()
    with pytest.raises(PolicyError, match="more than"):
        load_policy(patterns(*["(a+)+b"] * 20_000).encode())
    with pytest.raises(PolicyError, match="larger than"):
        load_policy(b"#" * (FILE_BYTES + 1))

    assert clock.cpu() - began_s < 5


def test_more_terms_or_rules_than_fit_are_refused() -> None:
    many = "\n".join(f"      - word{at}" for at in range(TERMS))
    with pytest.raises(PolicyError, match="more than 20000 terms"):
        load_policy((rule("    terms:", many) + rule("    terms: [xx]", first="id: b").removeprefix(HEAD)).encode())
    with pytest.raises(PolicyError, match=f"more than {RULES}"):
        load_policy((HEAD + "  - {}\n" * (RULES + 1)).encode())


def test_an_unbounded_pattern_is_fine_where_whole_texts_are_read() -> None:
    text = rule("    applies_to: prompt", "    patterns: ['^secret.*word$']")
    found = StreamFilter(load_policy(text.encode()).prompt)
    found.finish("secret and a word")

    assert found.blocked is not None


def test_a_stage_without_rules_is_empty() -> None:
    only_prompts = load_policy(rule("    applies_to: prompt", "    terms: [xx]").encode())

    assert only_prompts.answer.is_empty
    assert not only_prompts.prompt.is_empty
    assert not policy(POLICY).answer.is_empty
