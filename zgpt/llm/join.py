"""The seam between a kept beginning of an answer and its continuation by a model. Pure.

Seen with llama.cpp: it does not send the beginning again, and a continuation joins exactly where the beginning ended
with a whole token. It does not where the beginning ends with white space, for models keep a space together with the
word after it. So such white space is not sent, and is taken off the continuation where the model writes it again.
Servers that send the whole beginning again are noticed by that.
"""

from __future__ import annotations

MIN_ECHO_CHARACTERS = 16
"""A shorter beginning may well come again by itself."""


class Seam:
    """Give it the continuation's texts in order; what comes out joins `beginning` exactly."""

    __slots__ = ("_done", "_held", "_tail", "sent")

    def __init__(self, beginning: str) -> None:
        self.sent = beginning.rstrip()
        self._tail = beginning[len(self.sent) :]
        self._held = ""
        self._done = False

    def feed(self, text: str) -> str:
        """What may be shown by now; empty while it is not clear."""
        if self._done:
            return text
        self._held += text
        if self._may_be_echo():
            return ""
        rest = self._held.removeprefix(self.sent) if self._long() else self._held
        if self._tail.startswith(rest):
            return ""
        return self._settle(rest)

    def finish(self) -> str:
        """What was still held back when the continuation ended."""
        if self._done:
            return ""
        echoed = self._long() and self._held.startswith(self.sent)
        return self._settle(self._held.removeprefix(self.sent) if echoed else self._held)

    def _long(self) -> bool:
        return len(self.sent) >= MIN_ECHO_CHARACTERS

    def _may_be_echo(self) -> bool:
        return self._long() and len(self._held) < len(self.sent) and self.sent.startswith(self._held)

    def _settle(self, rest: str) -> str:
        self._done = True
        return rest[_common(self._tail, rest) :]


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )
