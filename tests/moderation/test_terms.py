"""What counts as a spelling of a term, and what does not."""

import pytest

from tests.moderation.texts import policy, through
from zgpt.moderation.normalise import IGNORED, SEPARATOR, SYMBOLS, looks_like, plain, symbols
from zgpt.moderation.spelling import GAP_CHARS, RUN_CHARS
from zgpt.moderation.stream import HITS_KEPT, StreamFilter
from zgpt.moderation.terms import parse_term

TERMS = "version: 1\nrules:\n  - {id: a, category: c, action: %s, terms: [%s]}\n"


def found(terms: str, text: str) -> list[str]:
    filter_ = StreamFilter(policy(TERMS % ("flag", terms)).answer)
    filter_.finish(text)
    return [hit.text for hit in filter_.hits]


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("kill you", "kill you"),
        ("kill you", "KILL YOU!"),
        ("kill you", "k1ll y0u"),
        ("kill you", "ki11 you"),
        ("kill you", "kıll yoυ"),
        ("kill you", "kill\u200b\u200b y\u00adou"),
        ("kill you", "k i l l  y o u"),
        ("kill you", "k i l l you"),
        ("kill you", "k.i.l.l you"),
        ("kill you", "kill-you"),
        ("kill you", "killyou"),
        ("kill you", "k!ll you!"),
        ("kill you", "kiⓁⓛ 𝐲𝐨𝐮"),
        ("kill you", "k\u0301i\u0301ll you"),
        ("kill you", "kiiill yooou"),
        ("kill you", "KIIIIIIILL YOU"),
        ("kill you", "kkiill you"),
        ("kill them", "kill themm"),
        ("kill you", "k11111l you"),
        ("kill you", "kiⅰⅰll you"),
        ("kill you", "k i i i l l  y o u"),
        ("kill you", "k.i.i.i.l.l you"),
        ("kill you", "ki ll y ou"),
        ("kill you", "k ill yo.u"),
        ("kill yourself", "kill your self"),
        ("kill yourself", "kiiill yoursellf"),
        ("kill", "kiiill"),
        ("kill", "kkkill"),
        ("kill", "killlll!"),
        ("suicide", "su ici de"),
        ("suicide", "s.u i.c i.d e"),
        ("*bomb", "fireboommbbb"),
        ("bomb*", "boooombs"),
        ("scheisse", "scheißße"),
        ("scheisse", "scheiße"),
        ("straße", "STRASSE"),
        ("bomb*", "bombs"),
        ("*bomb", "firebomb"),
        ("убить", "УБИТЬ"),
        ("öldür*", "öldüreceğim"),
        ("İstanbul", "istanbul"),
        ("爆弾製造", "これは爆弾製造 "),
    ],
)
def test_a_term_is_found_however_it_is_spelled(term: str, text: str) -> None:
    if term == "爆弾製造":
        term = f"*{term}*"
    assert found(f"'{term}'", text) != []


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("rapist", "therapist"),
        ("therapist", "the rapist"),
        ("penis", "my pen is here"),
        ("kill you", "skill you"),
        ("kill you", "kill your time"),
        ("fail", "fall"),
        ("loss", "1055"),
        ("abc", "a b c"),
        ("abcd", "ab cd"),
        ("bomb", "bo mb"),
        ("raping", "rapping"),
        ("lose", "loose"),
        ("kill", "kil"),
        ("kill", "skiiill"),
        ("xkill", "kkkill"),
        ("suicide", "sui cide"),
        ("assassin", "as sassin"),
        ("bomb", "b" + "o" * (RUN_CHARS + 1) + "mb"),
        ("bomb", "b" * (RUN_CHARS + 1) + "omb"),
        ("bomb", "bombs"),
        ("bomb", "b" + " " * (GAP_CHARS + 1) + "omb"),
        ("bomb", "b" + "\u200b" * (GAP_CHARS + 1) + "omb"),
        ("hello", "Hell! Oh"),
    ],
)
def test_what_only_looks_alike_is_not_found(term: str, text: str) -> None:
    assert found(term, text) == []


def test_overlapping_matches_become_one_replacement() -> None:
    text = (
        "version: 1\nrules:\n  - {id: a, category: c, action: redact, replacement: '#', terms: [one two, two three]}\n"
    )
    assert "".join(through(policy(text), list("x one two three y"))[0]) == "x # y"


def test_a_block_that_overlaps_a_redaction_cuts_before_both() -> None:
    text = TERMS % ("redact", "one two") + "  - {id: b, category: c, action: block, terms: [two three]}\n"
    came, stream = through(policy(text), list("x one two three y"))
    assert "".join(came) == "x "
    assert stream.blocked is not None
    assert stream.feed("more") == ""


def test_a_flag_is_raised_once_and_other_hits_of_one_text_are_bounded() -> None:
    assert len(found("odd", "odd " * 100)) == 1
    redacted = StreamFilter(policy(TERMS % ("redact", "odd")).answer)
    assert redacted.finish("odd " * 100) == "[removed] " * 100
    assert len(redacted.hits) == HITS_KEPT


def test_a_character_is_what_it_stands_for() -> None:
    assert [plain(char) for char in "Ⓚßﬁ½é\u200b!İ🅐🇦"] == [
        "k",
        "ss",
        "fi",
        "12",
        "e",
        IGNORED,
        SEPARATOR,
        "i",
        "a",
        "a",
    ]
    assert looks_like("I") == ("i", "l")
    assert looks_like("1") == ("1", "i", "l")
    assert looks_like("@") == ("a",)


def test_there_is_one_symbol_for_each_character() -> None:
    text = "Straße ﬁ ①\u200b Ꭰ 한글 हिन्दी"
    assert len(symbols(text, "")) == len(text)
    assert symbols("!b", "a") == "ib"
    assert symbols("!b", "") == " b"
    assert SYMBOLS.expansions[symbols("ß", "")] == "ss"


def test_the_words_of_a_term_begin_where_its_gaps_are() -> None:
    term = parse_term("*kill  YOUR-self*", 3)
    assert (term.letters, term.breaks, term.open_left, term.open_right) == (
        "killyourself",
        frozenset({4, 8}),
        True,
        True,
    )
