"""Finds RE2 patterns in a text that comes in pieces, and knows from where on a match may be on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import re2

from zgpt.moderation.beginnings import NotBoundedError, beginnings
from zgpt.moderation.normalise import FOLDS, IGNORED

PATTERN_CHARS = 1_000
"""Longest pattern, as it is written."""
MATCH_CHARS = 512
"""Longest match in a stream: so much may have to be held back."""
COMPILED_BYTES = 1_048_576
"""Of one pattern; RE2 refuses what would need more, `(a{1000}){1000}` for example."""
UNION_BYTES = 16_777_216
"""Of all patterns of a stage together: their automaton is built as it is needed, and thrown away beyond this."""


class BadPatternError(ValueError):
    """A pattern that RE2 does not take, or that cannot be used in a stream; says why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One compiled pattern; `begin` finds where a match may be on its way, `either` that or a match.

    Both are None where only whole texts are read. `any` is what the quick look at all patterns together needs of it.
    """

    full: Any
    begin: Any
    either: Any
    any: str
    rule: int
    once: bool


def compile_pattern(source: str, rule: int, *, streamed: bool, once: bool = False) -> Pattern:
    """Compile, within bounds; raises BadPatternError.

    `streamed`: it is to be found in answers too. `once`: its first match in a text says all that its rule asks.
    """
    if len(source) > PATTERN_CHARS:
        raise BadPatternError(f"it is longer than {PATTERN_CHARS} characters")
    full = _compile(source, COMPILED_BYTES)
    if full.search("") is not None:
        raise BadPatternError("it matches nothing at all as well")
    if not streamed:
        return Pattern(full, None, None, f"(?:{source})", rule, once)
    try:
        begin = beginnings(source, MATCH_CHARS)
    except NotBoundedError as fault:
        raise BadPatternError(str(fault)) from None
    either = f"(?:{source})|(?:{begin})"
    most_bytes = 4 * COMPILED_BYTES
    return Pattern(full, _compile(begin, most_bytes), _compile(either, 2 * most_bytes), either, rule, once)


class PatternSet:
    """The patterns of a policy for one stage."""

    __slots__ = ("_any", "patterns")

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = patterns
        self._any = _compile("|".join(f"(?:{p.any})" for p in patterns), UNION_BYTES) if patterns else None

    def may_match(self, view: str, start: int) -> bool:
        """Whether any pattern matches behind `start`, or may when the text goes on: one look for all of them."""
        if self._any is None:
            return False
        # Bytes spare RE2's wrapper the offsets back: 1 µs less on the path of every token.
        data = view.encode("utf-8", "replace")
        found = self._any.search(
            data, start if len(data) == len(view) else len(view[:start].encode("utf-8", "replace"))
        )
        return found is not None and found.start() < len(data)

    def find(self, view: str, begun: list[int], final: bool) -> tuple[list[tuple[int, int, int]], int]:
        """Matches as (start, end, pattern's index), and from where on one may be on its way (else the view's length).

        `begun` holds, by pattern, where to look from; it is moved on. What only may match yet is not found: a match
        that could become longer waits, so that the pieces in which a text comes make no difference.
        """
        found: list[tuple[int, int, int]] = []
        hold = len(view)
        for index, pattern in enumerate(self.patterns):
            at = begun[index]
            if not final and pattern.either.search(view, at) is None:
                continue
            waits = _on_its_way(pattern, view, at, final)
            # One iterator and not a search for each match: RE2's wrapper encodes the whole text for every search.
            for match in pattern.full.finditer(view, at):
                if waits < at:
                    waits = _on_its_way(pattern, view, at, final)
                if not final and match.start() >= waits:
                    break
                at = match.end()
                found.append((match.start(), at, index))
                if pattern.once:
                    break
            if waits < at:
                waits = _on_its_way(pattern, view, at, final)
            begun[index] = at
            hold = min(hold, waits)
        return found, hold


def _on_its_way(pattern: Pattern, view: str, at: int, final: bool) -> int:
    begin = None if final else pattern.begin.search(view, at)
    return begin.start() if begin else len(view)


def view_of(text: str, symbols: str) -> tuple[str, list[int] | None]:
    """The text as patterns see it, and for each of its characters where it stands in `text` (None: the same place)."""
    if text.isascii():
        return text, None
    folded = text.translate(FOLDS)
    if IGNORED not in symbols:
        return folded, None
    places = [at for at in range(len(text)) if at >= len(symbols) or symbols[at] != IGNORED]
    return "".join(folded[at] for at in places), places


def _compile(source: str, most_bytes: int) -> Any:
    options = re2.Options()
    options.max_mem = most_bytes
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(source, options)
    except re2.error as fault:
        raise BadPatternError(f"RE2 does not take it: {_words(fault)}") from None


def _words(fault: Exception) -> str:
    said = fault.args[0] if fault.args else str(fault)
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
