"""Finds RE2 patterns in a text that comes in pieces, and knows from where on a match may be on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import re2

from zgpt.moderation.beginnings import NotBoundedError, beginnings
from zgpt.moderation.normalise import FOLDS

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

    Both are None where only whole texts are read. `sources` are those of `begin`, if there is one, and of `full`.
    """

    full: Any
    begin: Any
    either: Any
    sources: tuple[str, ...]
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
        return Pattern(full, None, None, (source,), rule, once)
    try:
        begin = beginnings(source, MATCH_CHARS)
    except NotBoundedError as fault:
        raise BadPatternError(str(fault)) from None
    either = f"(?:{source})|(?:{begin})"
    most_bytes = 4 * COMPILED_BYTES
    return Pattern(full, _compile(begin, most_bytes), _compile(either, 2 * most_bytes), (begin, source), rule, once)


class PatternSet:
    """The patterns of a policy for one stage. Where one of them is only for whole texts, only `matching` may be asked.

    That is so for prompts: what is needed for pieces of a text would be a third of what compiling the policy costs.
    """

    __slots__ = ("_any", "_quick", "_whole", "patterns")

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = patterns
        # Beginnings come first: where one reaches the end of the text, nothing else has to be known.
        sources = [s for p in patterns for s in p.sources[:-1]] + [p.sources[-1] for p in patterns]
        in_pieces = all(pattern.begin for pattern in patterns)
        union = "|".join(f"(?:{source})" for source in sources)
        self._any = _compile(union, UNION_BYTES) if patterns and in_pieces else None
        self._quick: Any = _set_of(sources) if in_pieces else None
        self._whole = _set_of([p.sources[-1] for p in patterns])

    def is_quiet(self, view: str, start: int) -> bool:
        """Whether no pattern matches behind `start`, nor may when the text goes on; False when that is not sure.

        A set tells this in half the time of a search, which finds the place too. A set without memory left finds
        nothing at all, so it has to find the empty pattern.
        """
        return _look(self._quick, view, start) == [self._quick[1]]

    def matching(self, view: str, start: int) -> list[int]:
        """The patterns that may match behind `start` in a text that is whole, by their index: one look for all."""
        found = _look(self._whole, view, start)
        return sorted(found)[:-1] if found else list(range(len(self.patterns)))

    def first(self, view: str, start: int) -> tuple[int, bool]:
        """Where the first match begins behind `start`, or may when the text goes on: one look for all patterns.

        (-1, False) without one. True: it is on its way, and reaches the end, so nothing before it can match any more
        and nothing behind it has to be decided yet.
        """
        if self._any is None:
            return -1, False
        # Bytes spare RE2's wrapper the offsets back: 1 µs less on the path of every token.
        data = view.encode("utf-8", "replace")
        is_plain = len(data) == len(view)
        found = self._any.search(data, start if is_plain else len(view[:start].encode("utf-8", "replace")))
        if found is None:
            return -1, False
        at, end = found.span()
        return (at if is_plain else len(data[:at].decode())), end == len(data)

    def find(
        self, view: str, begun: list[int], final: bool, which: Sequence[int]
    ) -> tuple[list[tuple[int, int, int]], int]:
        """Matches as (start, end, pattern's index), and from where on one may be on its way (else the view's length).

        `begun` holds, by pattern, where to look from; it is moved on. `which` are the patterns to look for. What only
        may match yet is not found: a match that could become longer waits, so that the pieces in which a text comes
        make no difference.
        """
        found: list[tuple[int, int, int]] = []
        hold = len(view)
        for index in which:
            pattern, at = self.patterns[index], begun[index]
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


def folded(text: str) -> str:
    """The text as patterns see it, one character for each; what is not seen is IGNORED, and no pattern sees it."""
    return text if text.isascii() else text.translate(FOLDS)


def _set_of(sources: Sequence[str]) -> tuple[Any, int]:
    """All sources and, as the last of them, the empty one; and the index of that."""
    found = re2.Set.SearchSet(_options(UNION_BYTES))
    try:
        for source in sources:
            found.Add(source)
        empty = found.Add("")
        found.Compile()
    except re2.error as fault:
        raise BadPatternError(f"RE2 does not take them together: {_words(fault)}") from None
    return found, empty


def _look(set_: tuple[Any, int], view: str, start: int) -> list[int] | None:
    """Which sources match behind `start`, or a character before it, which word boundaries ask for."""
    found: list[int] | None = set_[0].Match(view[max(0, start - 1) :].encode("utf-8", "replace"))
    return found


def _options(most_bytes: int) -> Any:
    options = re2.Options()
    options.max_mem = most_bytes
    options.log_errors = False
    options.never_capture = True
    return options


def _compile(source: str, most_bytes: int) -> Any:
    try:
        return re2.compile(source, _options(most_bytes))
    except re2.error as fault:
        raise BadPatternError(f"RE2 does not take it: {_words(fault)}") from None


def _words(fault: Exception) -> str:
    said = fault.args[0] if fault.args else str(fault)
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
