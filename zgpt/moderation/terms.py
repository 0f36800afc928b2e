"""Finds terms in a text that comes in pieces: words and phrases, however they are spelled. Patterns are elsewhere.

All terms are searched for at once in the letters of the text, without its gaps and without repetitions. Whether what
is found that way spells the term is judged by `spelling`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from zgpt.moderation.automaton import Automaton
from zgpt.moderation.normalise import IGNORED, SEPARATOR, SYMBOLS, class_of, plain
from zgpt.moderation.spelling import GAP_CHARS, RUN_CHARS, Term, at_boundary

DEEP_LETTERS = 3
"""From so many letters on it is cheaper to know that a beginning went on than to look for where it began."""
_GAPS = (SEPARATOR, IGNORED)
_TWICE = re.compile(r"(.)\1", re.DOTALL)


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
        self.automaton = Automaton("".join(letter for letter, _ in groupby(class_of(term.letters))) for term in terms)
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

    def went_on(self, before: int, symbols: str, state: int) -> bool:
        """Whether the beginning that `before` stands for went on over these symbols to `state`, with every letter.

        False also where nothing or little is known of it: then its gaps have to be measured.
        """
        depth = self.automaton.depths[before]
        gained = self.automaton.depths[state] - depth
        return depth >= DEEP_LETTERS and gained > 0 and self._moves(before, symbols) == gained

    def _moves(self, state: int, symbols: str) -> int:
        """How many letters other than the one before stand in these symbols."""
        last, moves = self.automaton.letters[state], 0
        for symbol in symbols:
            if symbol in _GAPS:
                continue
            for letter in SYMBOLS.expansions.get(symbol, symbol):
                moves += letter != last
                last = letter
        return moves

    def begins(self, state: int, symbols: str, floor: int) -> int:
        """Where in `symbols` the earliest term begins that may still be on its way; their length when there is none.

        What stands before `floor` was judged before: no term on its way begins there.
        """
        automaton = self.automaton
        deepest = automaton.depths[state]
        if not deepest:
            return len(symbols)
        if symbols[-deepest:].isalnum() and not _TWICE.search(symbols, max(0, len(symbols) - deepest - 1)):
            return self._begins_unbroken(state, symbols, floor)
        starts = self._starts(symbols, deepest, floor)
        while state:
            depth = automaton.depths[state]
            place = starts[depth - 1] if depth <= len(starts) else -1
            if place >= 0:
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

    def _starts(self, symbols: str, count: int, floor: int) -> list[int]:
        """Where a term may begin in each of the last `count` runs of like letters, the last run first; -1: nowhere.

        Fewer when a gap or a run is too long: nothing goes on over it.
        """
        starts: list[int] = []
        at, turn, last = len(symbols), len(symbols), ""
        for index in range(len(symbols) - 1, -1, -1):
            symbol = symbols[index]
            if symbol in _GAPS:
                if symbol == SEPARATOR and starts and at >= floor:
                    starts[-1] = at
                continue
            runs = "" if symbol == last else _runs(symbol, last)
            if (runs and len(starts) >= count) or at - index - 1 > GAP_CHARS or (not runs and turn - index > RUN_CHARS):
                break
            if runs:
                turn, last = (at if runs == symbol else index), runs[-1]
                starts += [-1] * len(runs)
            at = index
            if self.open_left and at >= floor:
                starts[-1] = at
        if starts and at >= floor and at_boundary(symbols, at):
            starts[-1] = at
        return starts


def _runs(symbol: str, last: str) -> str:
    """The runs of like letters that begin with this symbol, read leftwards from the letter `last`: mostly one."""
    letters = SYMBOLS.expansions.get(symbol)
    if letters is None:
        return symbol
    found = "".join(letter for letter, _ in groupby(reversed(letters)))
    return found[found[0] == last :]
