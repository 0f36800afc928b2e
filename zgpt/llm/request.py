"""The body of a `/v1/chat/completions` request, and the ways in which servers want it different. Pure.

Servers disagree on a few fields. One that refuses a field with a 400 that names it is asked again without it (or with
the field's other name), and the provider remembers.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .base import Prompt

Continue = Literal["none", "trailing", "vllm"]

# What to send instead of a field that was refused; None: leave it out.
_INSTEAD: dict[str, str | None] = {"max_tokens": "max_completion_tokens", "temperature": None, "stream_options": None}


class Dialect:
    """What one server was found to want otherwise. Starts with what most of them take."""

    __slots__ = ("_refused",)

    def __init__(self) -> None:
        self._refused: set[str] = set()

    def learn(self, status: int, body: bytes) -> bool:
        """Whether this refusal names a field that can be sent otherwise; it will be, from now on."""
        if status not in (400, 422):
            return False
        text = body.decode("utf-8", "replace")
        found = [field for field in _INSTEAD if field in text and field not in self._refused]
        # A refusal of `max_tokens` for its value says nothing about the field's name.
        named = [field for field in found if field != "max_tokens" or "max_completion_tokens" in text]
        self._refused.update(named)
        return bool(named)

    def apply(self, fields: dict[str, object]) -> dict[str, object]:
        """The same request as this server wants it."""
        out: dict[str, object] = {}
        for name, value in fields.items():
            wanted = _INSTEAD[name] if name in self._refused else name
            if wanted is not None:
                out[wanted] = value
        return out


def encode_request(prompt: Prompt, model: str, beginning: str, mode: Continue, dialect: Dialect) -> bytes:
    """The JSON body. `beginning` is what of the answer exists already; `mode` says how it is sent."""
    messages = [{"role": turn.role, "content": turn.text} for turn in prompt.messages]
    fields: dict[str, object] = {
        "model": model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
    }
    if beginning and mode != "none":
        messages.append({"role": "assistant", "content": beginning})
        if mode == "vllm":
            fields |= {"continue_final_message": True, "add_generation_prompt": False}
    return msgspec.json.encode(dialect.apply(fields))
