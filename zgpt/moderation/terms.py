"""Finds terms in a text that comes in pieces: words and phrases, however they are spelled. Patterns are elsewhere.

All terms are searched for at once in the letters of the text, without its gaps. What is found that way is judged: it
must begin and end where words do, and its gaps must be those of the term (`kill yourself`), or none (`killyourself`),
or single signs (`k.ill`), or be everywhere in a word (`k i l l`). So `the rapist` is no `therapist`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from zgpt.moderation.automaton import Automaton
from zgpt.moderation.normalise import IGNORED, SEPARATOR, SYMBOLS, class_of, looks_like, plain

GAP_CHARS = 32
"""Longest gap inside a term, what is not seen included: it bounds what may have to be held back."""
SPREAD_LETTERS = 4
"""Shortest term that is recognised with gaps of another's making: three single letters are often initials."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase. `letters` are folded, `breaks` are the places in them where words begin.

    `bomb*` is open at its right end (`bombs`), `*bomb` at its left.
    """

    letters: str
    breaks: frozenset[int]
    open_left: bool
    open_right: bool
    rule: int


def parse_term(text: str, rule: int) -> Term:
    """From the policy's spelling; ValueError when nothing is left of it."""
    letters, breaks = "", set()
    gap = False
    for char in text:
        found = plain(char)
        if found == SEPARATOR:
            gap = bool(letters)
        elif found != IGNORED:
            if gap:
                breaks.add(len(letters))
            letters, gap = letters + found, False
    if len(letters) < 2:
        raise ValueError(f"the term {text!r} has fewer than two letters")
    return Term(letters, frozenset(breaks), text.startswith("*"), text.endswith("*"), rule)


class TermSet:
    """The terms of a policy for one stage, compiled."""

    __slots__ = ("automaton", "open_left", "terms")

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = terms
        self.automaton = Automaton(class_of(term.letters) for term in terms)
        self.open_left = any(term.open_left for term in terms)

    def find(self, state: int, symbols: str) -> tuple[int, list[tuple[int, int]]]:
        """Go on from `state`: the state behind the symbols, and what may be a term: (last symbol's index, its number).

        This is the path of every token: one look-up per symbol.
        """
        automaton = self.automaton
        rows, first_final = automaton.rows, automaton.first_final
        found: list[tuple[int, int]] = []
        for index, symbol in enumerate(symbols):
            if symbol == " ":
                continue
            state = rows[state][symbol]
            if state >= first_final and symbol != IGNORED:
                found += [(index, number) for number in automaton.ends[state]]
        return state, found

    def begins(self, state: int, symbols: str, floor: int) -> int:
        """Where in `symbols` the earliest term begins that may still be on its way; their length when there is none.

        What stands before `floor` was judged before: no term on its way begins there.
        """
        automaton = self.automaton
        deepest = automaton.depths[state]
        if not deepest:
            return len(symbols)
        if symbols[-deepest:].isalnum():
            return self._begins_unbroken(state, symbols, floor)
        places = self._places(symbols, deepest)
        while state:
            depth = automaton.depths[state]
            place = places[depth - 1] if depth <= len(places) else -1
            if place >= floor and (self.open_left or at_boundary(symbols, place)):
                return place
            state = automaton.fails[state]
        return len(symbols)

    def _begins_unbroken(self, state: int, symbols: str, floor: int) -> int:
        """The same where the last letters stand together, which is nearly always."""
        automaton = self.automaton
        end = len(symbols)
        while state:
            place = end - automaton.depths[state]
            if place >= floor and (self.open_left or at_boundary(symbols, place)):
                return place
            state = automaton.fails[state]
        return end

    @staticmethod
    def _places(symbols: str, count: int) -> list[int]:
        """Where the last `count` letters stand, the last one first; fewer when a gap between them is too long."""
        places: list[int] = []
        last = len(symbols)
        for index in range(len(symbols) - 1, -1, -1):
            symbol = symbols[index]
            if symbol in (SEPARATOR, IGNORED):
                continue
            if last - index - 1 > GAP_CHARS:
                break
            last = index
            places += [index] * len(SYMBOLS.expansions.get(symbol, symbol))
            if len(places) >= count:
                break
        return places

    def judge(self, number: int, text: str, symbols: str, end: int) -> int | None:
        """Where the term begins that seems to end at `end` (index of its last letter), or None when it is none."""
        term = self.terms[number]
        gaps: list[str | None] = [None] * (len(term.letters) + 1)
        left, index, next_at = len(term.letters), end, end + 1
        real = False
        while left:
            if index < 0 or next_at - index - 1 > GAP_CHARS:
                return None
            if symbols[index] in (SEPARATOR, IGNORED):
                index -= 1
                continue
            alike = next(
                (letters for letters in looks_like(text[index]) if term.letters.endswith(letters, 0, left)), ""
            )
            if not alike:
                return None
            gaps[left] = _gap(text, symbols, index + 1, next_at) if left < len(term.letters) else None
            left -= len(alike)
            real = real or text[index].isalpha()
            next_at = index
            index -= 1
        if not real or not (term.open_left or at_boundary(symbols, next_at)):
            return None
        return next_at if _spelled(term, gaps) else None


def at_boundary(symbols: str, index: int) -> bool:
    """Whether a word begins at `index`."""
    if index and symbols[index - 1] != IGNORED:
        return symbols[index - 1] == SEPARATOR
    for before in range(index - 1, max(-1, index - 1 - GAP_CHARS), -1):
        if symbols[before] != IGNORED:
            return symbols[before] == SEPARATOR
    return True


def ends_word(symbols: str, end: int) -> bool | None:
    """Whether the word ends behind `end`; None while that cannot be told."""
    for symbol in symbols[end + 1 : end + 1 + GAP_CHARS]:
        if symbol != IGNORED:
            return symbol == SEPARATOR
    return True if len(symbols) > end + GAP_CHARS else None


def _gap(text: str, symbols: str, start: int, end: int) -> str | None:
    """What separates two letters: nothing, one sign, or more (white space counts as more)."""
    seen = [text[at] for at in range(start, end) if symbols[at] == SEPARATOR]
    if not seen:
        return None
    return "sign" if len(seen) == 1 and not seen[0].isspace() else "space"


def _spelled(term: Term, gaps: list[str | None]) -> bool:
    """Whether the gaps are those of the term, or of somebody who spreads its letters."""
    inner = range(1, len(term.letters))
    foreign = [at for at in inner if gaps[at] and at not in term.breaks]
    if not foreign:
        where = {at for at in inner if gaps[at]}
        return where == term.breaks or not where
    if len(term.letters) < SPREAD_LETTERS:
        return False
    bounds = [0, *sorted(term.breaks), len(term.letters)]
    return all(_spread(gaps[start + 1 : end]) for start, end in pairwise(bounds))


def _spread(gaps: list[str | None]) -> bool:
    """Whether a word's letters stand together, or all apart, or apart by single signs."""
    return all(gaps) or "space" not in gaps
