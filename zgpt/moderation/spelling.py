"""Judges whether letters in a text spell a term: their gaps, their repetitions, where its words begin and end; pure.

What the automaton finds is only a row of letters. It spells the term when it begins and ends where words do, and its
gaps are those of the term (`kill yourself`), none (`killyourself`), single signs (`k.ill`), everywhere in a word
(`k i l l`), or more than the term's own where it is a phrase (`ki ll your self`) or in three pieces (`su ici de`). So
`the rapist` is no `therapist`. Letters are repeated where somebody meant to (`kiiill`), so `rapping` is no `raping`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from zgpt.moderation.normalise import IGNORED, SEPARATOR, SYMBOLS, looks_like

GAP_CHARS = 32
"""Longest gap inside a term, what is not seen included: it bounds what may have to be held back."""
RUN_CHARS = 64
"""From the first of several like letters to the next other one, at most, for the same reason."""
SPREAD_LETTERS = 4
"""Shortest term that is recognised with gaps of another's making: three single letters are often initials."""
BROKEN_LETTERS = 8
"""Shortest phrase whose words may be broken anywhere, or have one letter twice: shorter ones become other words."""
BROKEN_TWICE_LETTERS = 6
"""Shortest term that may be broken in three pieces or more."""
STRETCHED = 3
"""So many like letters stand together in hardly any word; two of them do in many."""


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


@dataclass(slots=True)
class _Reading:
    """How a text spells a term, read from its end: gaps in front of letters, and how often letters are repeated."""

    gaps: list[str | None]
    left: int  # letters of the term that are not read yet
    is_real: bool = False  # a letter was among the characters, not signs and digits alone
    inner: list[tuple[int, str]] = field(default_factory=list)
    extra: dict[int, int] = field(default_factory=dict)


def judge(term: Term, text: str, symbols: str, end: int) -> int | None:
    """Where the term begins that seems to end at `end` (index of its last letter), or None when it is none."""
    reading = _Reading([None] * (len(term.letters) + 1), len(term.letters))
    next_at, turn, last = end + 1, end + 1, ""
    for index in range(end, -1, -1):
        symbol = symbols[index]
        if symbol in (SEPARATOR, IGNORED):
            continue
        turn, last = turn_at(symbol, last, turn, next_at, index)
        if next_at - index - 1 > GAP_CHARS or turn - index > RUN_CHARS:
            return None
        gap = _gap(text, symbols, index + 1, next_at) if next_at <= end else None
        if not _take(term, reading, text[index], gap):
            return None
        next_at = index
        if not reading.left:
            break
    if reading.left or not reading.is_real:
        return None
    start = next_at if term.open_left else _stretched_start(term, reading, text, symbols, next_at, turn)
    return start if start is not None and _meant(term, reading.extra) and _spelled(term, reading) else None


def _take(term: Term, reading: _Reading, char: str, gap: str | None) -> bool:
    """Read one more character leftwards: it is the term's next letter, or repeats the one before."""
    alike, left = looks_like(char), reading.left
    taken = next((letters for letters in alike if letters and term.letters.endswith(letters, 0, left)), "")
    if taken:
        reading.gaps[left] = gap
        reading.left -= len(taken)
    elif left < len(term.letters) and _repeats(alike, term.letters[left]):
        reading.extra[left] = reading.extra.get(left, 0) + 1
        if gap:
            reading.inner.append((left, gap))
    else:
        return False
    reading.is_real = reading.is_real or char.isalpha()
    return True


def turn_at(symbol: str, last: str, turn: int, next_at: int, index: int) -> tuple[int, str]:
    """Reading leftwards: where the run of like letters to the right of this one begins, and the letter here.

    A symbol of several letters, as of `æ`, ends one run and begins another.
    """
    letters = SYMBOLS.expansions.get(symbol, symbol)
    if letters[-1] != last:
        turn = next_at
    if letters[0] != letters[-1]:
        turn = index
    return turn, letters[0]


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


def _repeats(alike: Sequence[str], letter: str) -> bool:
    return any(letters and set(letters) == {letter} for letters in alike)


def _stretched_start(term: Term, reading: _Reading, text: str, symbols: str, start: int, turn: int) -> int | None:
    """Where the word begins whose first letter may be repeated; None where it began before."""
    index = start
    while not at_boundary(symbols, start):
        index -= 1
        if turn - index > RUN_CHARS or start - index - 1 > GAP_CHARS:
            return None
        if symbols[index] == IGNORED:
            continue
        if not _repeats(looks_like(text[index]), term.letters[0]):
            return None
        reading.extra[0] = reading.extra.get(0, 0) + 1
        start = index
    return start


def _gap(text: str, symbols: str, start: int, end: int) -> str | None:
    """What separates two letters: nothing, one sign, or more (white space counts as more)."""
    if start == end:
        return None
    seen = [text[at] for at in range(start, end) if symbols[at] == SEPARATOR]
    if not seen:
        return None
    return "sign" if len(seen) == 1 and not seen[0].isspace() else "space"


def _meant(term: Term, extra: dict[int, int]) -> bool:
    """Whether the repetitions are of somebody's making: three in a row, or several, or one in a long phrase."""
    if not extra:
        return True
    if len(extra) > 1 or (term.breaks and len(term.letters) >= BROKEN_LETTERS):
        return True
    ((at, more),) = extra.items()
    own = len(term.letters[at:]) - len(term.letters[at:].lstrip(term.letters[at]))
    return own + more >= STRETCHED


def _spelled(term: Term, reading: _Reading) -> bool:
    """Whether the gaps are those of the term, or of somebody who breaks its words."""
    gaps = reading.gaps
    inner = range(1, len(term.letters))
    where = {at for at in inner if gaps[at]}
    if not reading.inner and where <= term.breaks:
        return where == term.breaks or not where
    if len(term.letters) < SPREAD_LETTERS:
        return False
    if where >= term.breaks and _broken(term, len(where - term.breaks)):
        return True
    bounds = [0, *sorted(term.breaks), len(term.letters)]
    return all(
        _spread([*gaps[start + 1 : end], *(gap for at, gap in reading.inner if start <= at < end)])
        for start, end in pairwise(bounds)
    )


def _broken(term: Term, times: int) -> bool:
    """Whether so many gaps inside words leave a term: one makes `the rapist` of a therapist, two make hardly a word."""
    if term.breaks and len(term.letters) >= BROKEN_LETTERS:
        return True
    return times > 1 and len(term.letters) >= BROKEN_TWICE_LETTERS


def _spread(gaps: list[str | None]) -> bool:
    """Whether a word's letters stand together, or all apart, or apart by single signs."""
    return all(gaps) or "space" not in gaps
