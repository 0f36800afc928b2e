"""The seam between a kept beginning and its continuation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zgpt.llm.join import Seam


def join(beginning: str, pieces: list[str]) -> str:
    seam = Seam(beginning)
    return beginning + "".join(seam.feed(piece) for piece in pieces) + seam.finish()


@pytest.mark.parametrize(
    ("beginning", "pieces", "whole"),
    [
        ("The sea", [" is", " wide"], "The sea is wide"),
        ("The sea ", [" is", " wide"], "The sea is wide"),
        ("The sea ", [" ", " is"], "The sea  is"),
        ("The sea ", ["\n", "is"], "The sea \nis"),
        ("A\n\n", ["\n", "\nB"], "A\n\nB"),
        ("A\n\n", ["\nB"], "A\n\nB"),
        ("A ", [], "A "),
        ("A ", [" "], "A "),
        ("  ", ["B"], "  B"),
        ("A", ["A"], "AA"),
    ],
)
def test_the_continuation_joins_without_doubled_or_lost_space(beginning: str, pieces: list[str], whole: str) -> None:
    assert join(beginning, pieces) == whole


LONG = "A beginning that nobody says twice by chance. "


@given(st.integers(0, 80), st.integers(0, 80))
def test_a_server_that_says_the_beginning_again_is_noticed_however_it_is_cut(one: int, two: int) -> None:
    said = LONG + "And then the end."
    first, second = sorted((one, two))
    assert join(LONG, [said[:first], said[first:second], said[second:]]) == said


def test_a_continuation_that_only_starts_like_the_beginning_is_kept() -> None:
    assert join(LONG, ["A begin", "ning anew."]) == LONG + "A beginning anew."
    assert join(LONG, ["A begin"]) == LONG + "A begin"


def test_white_space_at_the_end_is_not_sent() -> None:
    assert (Seam("a b \n").sent, Seam(" \n").sent) == ("a b", "")
