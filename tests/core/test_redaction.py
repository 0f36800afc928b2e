"""What is kept out of the log."""

import pytest

from zgpt.core.redaction import MAX_CHARS, clean, visible

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "name", ["password", "new_password", "Authorization", "refresh_token", "api_key", "Set-Cookie", "jwt"]
)
def test_what_is_named_like_a_secret_is_hidden(name: str) -> None:
    assert clean(name, "hunter2") == "[redacted]"
    assert clean("headers", {name: "hunter2"}) == {name: "[redacted]"}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"bad token {JWT} given", JWT),
        ("Authorization: Bearer abc.def", "abc.def"),
        ("key sk-proj-12345678 refused", "sk-proj-12345678"),
        ("could not connect to postgresql://zgpt:hunter2@db/zgpt", "hunter2"),
        ("GET /ws?token=hunter2&x=1", "hunter2"),
        ("DETAIL: Key (email)=(ada.lovelace+1@mail.example.org) already exists", "ada.lovelace"),
        ("paid with 4111 1111 1111 1111 today", "4111 1111 1111 1111"),
        ("paid with 378282246310005", "378282246310005"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(text: str, secret: str) -> None:
    shown = clean("event", text)
    assert secret not in shown
    assert "[redacted]" in shown


@pytest.mark.parametrize("text", ["01900000-0000-7000-a000-00000000000b", "01900000-0000-7000-8000-000000000001",
                                  "1763800000000000001", "4111 1111 1111 1112"])  # fmt: skip
def test_ids_and_numbers_that_are_no_card_stay(text: str) -> None:
    assert clean("event", f"run {text} ended") == f"run {text} ended"


def test_numbers_named_after_tokens_stay() -> None:
    assert clean("completion_tokens", 12) == 12


def test_a_long_value_is_cut_and_says_by_how_much() -> None:
    shown = clean("user_agent", "x" * 1_000_000)
    assert len(shown) < MAX_CHARS + 40
    assert shown.endswith(f"({1_000_000 - MAX_CHARS} more)")


def test_endless_nesting_ends() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    assert isinstance(clean("detail", endless), dict)


@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e"])
def test_characters_that_a_terminal_obeys_become_visible(char: str) -> None:
    assert char not in visible(f"a{char}b")
    assert visible("größer 🙂") == "größer 🙂"


def test_lists_are_cleaned_item_by_item_and_cut() -> None:
    assert clean("given", [f"Bearer {JWT}", 1, None]) == ["Bearer [redacted]", 1, None]
    assert len(clean("given", list(range(1_000)))) == 50
