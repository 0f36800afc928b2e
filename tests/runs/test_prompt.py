"""What of a branch is sent to the model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zgpt.core.errors import Problem
from zgpt.llm.base import Turn
from zgpt.runs.prompt import TURN_OVERHEAD_TOKENS, ContextBudget, build_prompt


def _budget(context: int = 1_000, output: int = 100) -> ContextBudget:
    return ContextBudget(context, output, 0.5)


def _turns(*sizes: int) -> list[Turn]:
    """User and assistant in turns, each with a text of so many tokens (one per character)."""
    return [Turn("assistant" if index % 2 else "user", "x" * size) for index, size in enumerate(sizes)]


def test_a_short_branch_goes_whole_behind_the_system_prompt() -> None:
    turns = _turns(5, 5, 5)
    prompt = build_prompt("Be brief.", turns, _budget(), len)
    assert prompt.messages == (Turn("system", "Be brief."), *turns)
    assert (prompt.max_tokens, prompt.temperature, prompt.continue_text) == (100, 0.5, "")


def test_without_a_system_prompt_there_is_no_system_turn() -> None:
    assert build_prompt("", _turns(5), _budget(), len).messages == tuple(_turns(5))


def test_the_beginning_of_an_answer_is_handed_on_to_be_continued() -> None:
    assert build_prompt("", _turns(5), _budget(), len, "The answ").continue_text == "The answ"


def test_an_empty_branch_makes_a_prompt_without_turns() -> None:
    assert build_prompt("", [], _budget(), len).messages == ()


def test_when_the_context_is_full_the_oldest_turns_go_until_half_of_it_is_free() -> None:
    prompt = build_prompt("", _turns(*[92] * 11), _budget(), len)
    room = int(1_000 * 0.95) - 100 - TURN_OVERHEAD_TOKENS
    assert 0 < sum(len(turn.text) + TURN_OVERHEAD_TOKENS for turn in prompt.messages) <= room
    assert len(prompt.messages) < 8


def test_after_a_drop_the_beginning_stays_the_same_for_many_messages() -> None:
    """A model server can reuse what it has read only while the prompt begins alike."""
    turns = [Turn("assistant" if i % 2 else "user", f"{i:03}" + "x" * 40) for i in range(101)]
    begins = [build_prompt("", turns[: n + 1], _budget(), len).messages[0].text for n in range(0, 101, 2)]
    assert len(set(begins)) < len(begins) / 3


def test_the_window_begins_with_a_question() -> None:
    for count in range(1, 40, 2):
        assert build_prompt("", _turns(*[90] * count), _budget(), len).messages[0].role == "user"


def test_a_branch_without_any_question_is_sent_as_it_is() -> None:
    turns = [Turn("assistant", "Welcome")]
    assert build_prompt("", turns, _budget(), len).messages == tuple(turns)


def test_a_question_that_does_not_fit_at_all_is_refused_in_words() -> None:
    with pytest.raises(Problem) as fault:
        build_prompt("", _turns(5, 5, 900), _budget(), len)
    assert (fault.value.code, fault.value.retryable) == ("context_too_long", False)
    assert "Shorten" in fault.value.message


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30), st.integers(400, 2_000))
def test_whatever_the_sizes_the_prompt_fits_and_ends_with_the_question(sizes: list[int], context: int) -> None:
    turns = _turns(*sizes)
    budget = _budget(context)
    room = int(context * 0.95) - 100 - TURN_OVERHEAD_TOKENS - len("system")
    try:
        prompt = build_prompt("system", turns, budget, len)
    except Problem:
        assert sizes[-1] + TURN_OVERHEAD_TOKENS > room
        return
    history = prompt.messages[1:]
    assert history[-1] == turns[-1]
    assert tuple(turns[-len(history) :]) == history
    assert sum(len(turn.text) + TURN_OVERHEAD_TOKENS for turn in history) <= room
