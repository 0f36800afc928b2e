"""Tokens estimated from above, and texts as UTF-8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zgpt.llm.base import count_tokens
from zgpt.llm.deltas import to_utf8


@given(st.text())
def test_any_text_becomes_valid_utf8(text: str) -> None:
    assert to_utf8(text).decode() == text


@pytest.mark.parametrize(("text", "data"), [("a\ud800b", "a\ufffdb"), ("\udfff", "\ufffd"), ("ok", "ok")])
def test_a_lone_surrogate_becomes_a_replacement_character(text: str, data: str) -> None:
    assert to_utf8(text) == data.encode()


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("a" * 35, 10), ("ü" * 7, 4)])
def test_tokens_are_estimated_by_bytes_and_rounded_up(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens
