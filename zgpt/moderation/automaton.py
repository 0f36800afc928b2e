"""Aho–Corasick over symbols: one state however many words, carried from one piece of a stream to the next.

A letter that is repeated leaves the state as it is: words have no two like letters in a row, texts are read without.

Own code and not pyahocorasick, because the filter of a stream must know after each token how many symbols may be the
beginning of a word: that is the depth of the state, which pyahocorasick keeps to itself. Aho and Corasick, 1975.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from zgpt.moderation.normalise import IGNORED, SEPARATOR, SYMBOLS

ROOT = 0
_COMPLETED_MOST = 400_000
"""Transitions that are remembered beside those of the words themselves: about 40 MB at the worst."""


class _Row(dict[str, int]):
    """The transitions out of one state; those along suffix links are found once, then remembered."""

    __slots__ = ("_automaton", "_state")

    def __init__(self, automaton: Automaton, state: int) -> None:
        super().__init__()
        self._automaton = automaton
        self._state = state

    def __missing__(self, symbol: str) -> int:
        target = self._automaton.find(self._state, symbol)
        if self._automaton.completed < _COMPLETED_MOST:
            self._automaton.completed += 1
            self[symbol] = target
        return target


class Automaton:
    """`rows[state][symbol]` is the next state; a state that is at least `first_final` ends some word."""

    __slots__ = ("completed", "depths", "ends", "fails", "first_final", "letters", "rows")

    def __init__(self, words: Iterable[str]) -> None:
        """The words, by their index; none of them empty, none with a letter twice in a row."""
        self.completed = 0
        trie = _trie(words)
        order = sorted(trie.states(), key=lambda state: bool(trie.finals(state)))
        number = {state: index for index, state in enumerate(order)}
        self.first_final = next((number[s] for s in order if trie.finals(s)), len(order))
        self.depths = [trie.depths[state] for state in order]
        self.letters = [trie.letters[state] for state in order]
        self.fails = [number[trie.fails[state]] for state in order]
        self.ends = [tuple(trie.finals(state)) for state in order]
        self.rows: list[_Row] = [_Row(self, index) for index in range(len(order))]
        for state in order:
            row = self.rows[number[state]]
            row.update({s: number[child] for s, child in trie.children[state].items()})
            if state != ROOT:
                row[trie.letters[state]] = number[state]

    def find(self, state: int, symbol: str) -> int:
        """The next state, along suffix links where the word does not go on."""
        if symbol in (SEPARATOR, IGNORED):
            return state
        for letter in SYMBOLS.expansions.get(symbol, symbol):
            while state != ROOT and not dict.__contains__(self.rows[state], letter):
                state = self.fails[state]
            state = dict.get(self.rows[state], letter, ROOT)
        return state


class _trie:  # noqa: N801 - a step of the constructor above, not a type that others name
    def __init__(self, words: Iterable[str]) -> None:
        self.children: list[dict[str, int]] = [{}]
        self.depths = [0]
        self.letters = [""]
        self.own: list[list[int]] = [[]]
        for index, word in enumerate(words):
            self._add(word, index)
        self.fails = [0] * len(self.children)
        self.suffix_ends: list[int] = [0] * len(self.children)
        self._link()

    def states(self) -> range:
        return range(len(self.children))

    def finals(self, state: int) -> list[int]:
        """The words that end here, longest first."""
        found: list[int] = []
        while state:
            found += self.own[state]
            state = self.suffix_ends[state]
        return found

    def _add(self, word: str, index: int) -> None:
        state = 0
        for symbol in word:
            if symbol not in self.children[state]:
                self.children[state][symbol] = len(self.children)
                self.children.append({})
                self.own.append([])
                self.depths.append(self.depths[state] + 1)
                self.letters.append(symbol)
            state = self.children[state][symbol]
        self.own[state].append(index)

    def _link(self) -> None:
        queue = deque(self.children[0].values())
        while queue:
            state = queue.popleft()
            for symbol, child in self.children[state].items():
                fail = self.fails[state]
                while fail and symbol not in self.children[fail]:
                    fail = self.fails[fail]
                self.fails[child] = self.children[fail].get(symbol, 0)
                target = self.fails[child]
                self.suffix_ends[child] = target if self.own[target] else self.suffix_ends[target]
                queue.append(child)
