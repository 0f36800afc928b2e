"""However a text is cut into pieces, the same comes out, and nothing of what a rule objects to."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.moderation.texts import BLOCKED, cut, policy, texts, through
from zgpt.moderation.stream import StreamFilter

POLICY = policy()


@settings(max_examples=1_500, deadline=None, derandomize=True)
@given(text=texts(), places=st.lists(st.integers(0, 400), max_size=40))
def test_any_pieces_give_the_same_output(text: str, places: list[int]) -> None:
    whole = StreamFilter(POLICY.answer)
    expected = whole.finish(text)
    came, stream = through(POLICY, cut(text, places))

    assert "".join(came) == expected
    assert (stream.blocked is None) == (whole.blocked is None)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(text=texts())
def test_one_character_at_a_time_gives_the_same_output(text: str) -> None:
    came, _ = through(POLICY, list(text))

    assert "".join(came) == StreamFilter(POLICY.answer).finish(text)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(text=texts(), places=st.lists(st.integers(0, 400), max_size=40))
def test_what_came_out_is_not_objected_to(text: str, places: list[int]) -> None:
    came, _ = through(POLICY, cut(text, places))
    again = StreamFilter(POLICY.answer)
    again.finish("".join(came).replace("#", " # "))

    assert again.blocked is None


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    phrase=st.sampled_from(BLOCKED),
    before=st.sampled_from(["", "It is ", "x. "]),
    after=st.sampled_from(["", " ok", "."]),
)
def test_every_split_of_each_blocked_phrase_lets_nothing_of_it_through(phrase: str, before: str, after: str) -> None:
    text = before + phrase + after
    for at in range(len(text) + 1):
        came, stream = through(POLICY, [text[:at], text[at:]])
        assert "".join(came) == before
        assert stream.blocked is not None


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=texts(), at=st.integers(0, 400), places=st.lists(st.integers(0, 400), max_size=20))
def test_a_filter_that_goes_on_behind_what_was_shown_gives_the_same_output(
    text: str, at: int, places: list[int]
) -> None:
    expected = StreamFilter(POLICY.answer).finish(text)
    first = StreamFilter(POLICY.answer)
    shown = first.feed(text[: at % (len(text) + 1)])
    if first.blocked is not None or first.hits:
        return
    rest = text[len(shown) :]
    second = StreamFilter(POLICY.answer, before=shown)
    came = "".join([*(second.feed(piece) for piece in cut(rest, places)), second.finish()])

    assert shown + came == expected


def test_a_word_does_not_begin_behind_what_is_not_seen() -> None:
    for before in ("ab", "é", ""):
        text = before + "\u200b" * 40 + "key-abcd" + "\u200b" * 40 + "key-abcd ok"
        came, _ = through(POLICY, list(text))
        assert "".join(came) == StreamFilter(POLICY.answer).finish(text)
