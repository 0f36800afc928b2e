"""What the scripted upstream says: read from a `[[…]]` note in the question, so that a client knows the answer before.

`[[tokens=1000 rate=50]]` asks for 1,000 time stamps at 50 a second; `seed=7` for words instead. Not here: any socket.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

STAMP_MARK = "@t"
"""Every stamp token is `@t<ns of CLOCK_MONOTONIC> `: counting the marks counts tokens, and the digits tell the delay.
Two characters, because any single one also occurs as a length byte of a WebSocket frame."""
STAMP_DIGITS = 18
_NOTE = re.compile(r"\[\[([^\]]*)\]\]")
_WORDS = (
    *(
        "the ",
        "server ",
        "schön, ",
        "naïve ",
        "日本",
        "語。",
        "🙂 ",
        "👩\u200d👩\u200d👧 ",
        'a "quoted" ',
        "back\\slash ",
        "tab\t",
    ),
    *(
        "\n\n",
        "```py\n",
        "x = 1\n",
        "```\n",
        "**bold** ",
        "<b>tag</b> ",
        "e\u0301tude ",
        "\u2028",
        "ß",
        "Ω ",
        "end. ",
        "{}",
        "  ",
    ),
)


@dataclass(frozen=True, slots=True)
class Script:
    """One answer: how many tokens and how many a second; `seed` None makes time stamps, `wide` repeats each word."""

    tokens: int = 4
    rate: float = 1000.0
    seed: int | None = 1
    first_ms: int = 0
    wide: int = 1

    def note(self) -> str:
        """The note that asks for this script."""
        fields = {
            "tokens": self.tokens,
            "rate": self.rate,
            "seed": self.seed,
            "first_ms": self.first_ms,
            "wide": self.wide,
        }
        return "[[" + " ".join(f"{name}={value}" for name, value in fields.items() if value is not None) + "]]"

    def token(self, index: int) -> str:
        """The text of one token; words depend on nothing but seed and index."""
        if self.seed is None:
            return stamp()
        if index % 8 == 0:
            return f"{index} "
        return self.wide * _WORDS[(self.seed * 31 + index * (7 + self.seed % 5) + index // 5) % len(_WORDS)]

    def text(self) -> str:
        """The whole answer of a script of words."""
        return "".join(self.token(index) for index in range(self.tokens))

    def resume(self, prefix: str) -> tuple[int, str]:
        """Where an answer of which `prefix` is written goes on: the next token's index, and what is left before it."""
        index, size = 0, 0
        while size < len(prefix) and index < self.tokens:
            size += len(self.token(index))
            index += 1
        return index, self.token(index - 1)[len(prefix) - size :] if size > len(prefix) else ""


def stamp() -> str:
    """A token that tells when it was made."""
    return f"{STAMP_MARK}{time.monotonic_ns():0{STAMP_DIGITS}d} "


def parse_script(question: str) -> Script:
    """The script asked for by the last note in the question; a few words at once where there is none."""
    notes = _NOTE.findall(question)
    if not notes:
        return Script()
    given = dict(field.split("=", 1) for field in notes[-1].split() if "=" in field)
    return Script(
        tokens=int(given.get("tokens", 4)),
        rate=float(given.get("rate", 50)),
        seed=int(given["seed"]) if "seed" in given else None,
        first_ms=int(given.get("first_ms", 0)),
        wide=int(given.get("wide", 1)),
    )
