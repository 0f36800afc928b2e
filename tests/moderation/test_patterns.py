"""One look for all patterns decides most tokens; when it cannot tell, each pattern is looked at."""

import pytest

from tests.moderation.texts import policy, through
from zgpt.moderation import patterns
from zgpt.moderation.patterns import PatternSet, compile_pattern
from zgpt.moderation.spelling import RUN_CHARS

SOURCES = (r"\bkey-[a-z]{4}\b", r"\bboom [0-9]{1,3}!", "(?i)strange{1,3}")


def pattern_set() -> PatternSet:
    return PatternSet([compile_pattern(source, 0, streamed=True) for source in SOURCES])


@pytest.mark.parametrize(
    ("text", "is_quiet"),
    [("nothing here", True), ("a key-abcd b", False), ("a key", False), ("monkey-abcd ", True), ("STRAN", False)],
)
def test_a_text_is_quiet_where_nothing_matches_or_may(text: str, is_quiet: bool) -> None:
    assert pattern_set().is_quiet(text, 0) == is_quiet


def test_a_set_that_ran_out_of_memory_is_never_taken_for_a_quiet_text(monkeypatch: pytest.MonkeyPatch) -> None:
    found = pattern_set()
    monkeypatch.setattr(patterns, "_look", lambda *_: None)

    assert not found.is_quiet("nothing here", 0)
    assert found.matching("a key-abcd b", 0) == [0, 1, 2]


def test_what_is_on_its_way_begins_where_the_earliest_match_may() -> None:
    assert pattern_set().first("x boom key-ab", 2) == (7, True)
    assert pattern_set().first("x key-abcd boom 1", 0) == (2, False)
    assert pattern_set().first("ключ key-a", 0) == (5, True)
    assert pattern_set().first("nothing", 0) == (-1, False)


def test_what_is_not_seen_hides_no_pattern_from_the_look() -> None:
    came, stream = through(policy(), list("it is bo\u200bom\u200b 4\u200b2!"))

    assert "".join(came) == "it is "
    assert stream.blocked is not None


def test_many_like_letters_are_not_held_back_for_ever() -> None:
    for text in ("z" * 500, "s " * 500, "f" + "o" * 500, "for b" + "i" * 500):
        came, stream = through(policy(), list(text))
        shown = 0
        for at, piece in enumerate(came[:-1], start=1):
            shown += len(piece)
            assert at - shown <= 2 * RUN_CHARS
        assert stream.blocked is None
        assert "".join(came) == text
