"""What is sent to a model: the system prompt and as much of the branch as fits its context; pure.

Old turns are dropped in large steps: a window that slid by one turn each time would change the prompt's beginning with
every message, and a model server could never reuse what it has read (SmolLM2 reads 100 to 140 tokens/s on two cores).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zgpt.core.errors import Problem
from zgpt.llm.base import Prompt, Turn

TURN_OVERHEAD_TOKENS = 8
"""What a chat template puts around a turn: role, separators."""
MARGIN = 0.95
"""The token count is an estimate: a twentieth of the context stays free for its error."""
KEPT_SHARE = 0.5
"""After a drop the window is at most half full, so that the next drop is many turns away."""


@dataclass(frozen=True, slots=True)
class ContextBudget:
    """What the model can take, in tokens."""

    context_tokens: int
    max_output_tokens: int
    temperature: float


def build_prompt(
    system: str,
    turns: Sequence[Turn],
    budget: ContextBudget,
    count: Callable[[str], int],
    continue_text: str = "",
) -> Prompt:
    """The prompt for the branch `turns` (oldest first, ending with a user's). Raises `context_too_long` (a Problem)."""
    room = int(budget.context_tokens * MARGIN) - budget.max_output_tokens
    room -= _cost(count, system)
    kept = _window(turns, room, count)
    head = (Turn("system", system),) if system else ()
    return Prompt(head + tuple(kept), budget.max_output_tokens, budget.temperature, continue_text)


def _window(turns: Sequence[Turn], room: int, count: Callable[[str], int]) -> Sequence[Turn]:
    costs = [_cost(count, turn.text) for turn in turns]
    if costs and costs[-1] > room:
        raise Problem(
            "This message is longer than the model can read at once. Shorten it and send it again.",
            code="context_too_long",
            status=422,
        )
    start, used = 0, 0
    for index, cost in enumerate(costs):
        used += cost
        if used > room:
            while start < index and used > room * KEPT_SHARE:
                used -= costs[start]
                start += 1
    return _begin_with_user(turns[start:])


def _begin_with_user(turns: Sequence[Turn]) -> Sequence[Turn]:
    """An answer whose question was dropped would read as if the model had begun to speak."""
    for index, turn in enumerate(turns):
        if turn.role == "user":
            return turns[index:]
    return turns


def _cost(count: Callable[[str], int], text: str) -> int:
    return count(text) + TURN_OVERHEAD_TOKENS
