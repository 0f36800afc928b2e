"""The filter of one growing text: lets through what no rule can still object to, and holds the rest back.

Promise: what comes out does not depend on the pieces in which the text came, and nothing that a rule blocks or redacts
ever comes out, not even in part behind its first character. Text is held back exactly from where a match may be on its
way; on ordinary words that is nothing or a part of the last word.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from zgpt.moderation.normalise import IGNORED, SYMBOLS, UNSURE, symbols
from zgpt.moderation.patterns import folded
from zgpt.moderation.rules import RANKS, Hit, Stage
from zgpt.moderation.spelling import GAP_CHARS, ends_word, judge

_BLOCK = RANKS["block"]
HITS_KEPT = 64
"""Of one text: what follows in a text that is all redactions would tell nothing more."""

LONGEST_CHARS = 8_192
"""Longer than any term with all its gaps."""

Span = tuple[int, int, int]
"""Start, end, the rule's index; offsets in characters of the whole text."""


class StreamFilter:
    """`feed` takes a piece and gives what may be shown; `finish` gives the rest. `hits` are the rules that matched."""

    __slots__ = ("_base", "_begins", "_begun", "_cut", "_flagged", "_folded", "_is_due", "_shown", "_spans", "_stage",
                 "_state", "_symbols", "_text", "_waiting", "blocked", "hits")  # fmt: skip

    def __init__(self, stage: Stage, before: str = "") -> None:
        """`before` is what was shown already of a text that is continued: the last characters are enough."""
        self._stage = stage
        self._state = 0
        self._base = 0  # offset of the window's first character
        self._text = ""  # the window: a little context, and what is held back
        self._symbols = ""
        self._folded = ""  # the window as patterns see it, one character for each; empty where there are no patterns
        self._is_due = False  # a pattern was on its way
        self._begins = -1  # where the earliest term begins that is on its way, in the whole text; -1: none
        self._shown = 0  # index in the window where what is held back begins
        self._spans: list[Span] = []
        self._waiting: list[Span] = []  # terms of which it is not known yet whether the word ends there
        self._begun = [0] * len(stage.patterns.patterns)
        self._flagged: set[int] = set()
        self._cut: int | None = None  # behind this, nothing that begins before the first block can end
        self.hits: list[Hit] = []
        self.blocked: Hit | None = None
        if before:
            self._resume(before[-2 * GAP_CHARS :])

    def feed(self, piece: str) -> str:
        """Take more text; what may be shown now."""
        return self._advance(piece, final=False)

    def finish(self, piece: str = "") -> str:
        """Take the last text; the rest of what may be shown."""
        return self._advance(piece, final=True)

    def _advance(self, piece: str, *, final: bool) -> str:
        if self.blocked is not None:
            return ""
        text = self._text = self._text + piece
        if not text:
            return ""
        hold = self._look_for_terms(text, final)
        if self._stage.patterns.patterns:
            self._folded += folded(piece)
            place = self._look_for_patterns(final)
            self._is_due = place < len(text)
            hold = min(hold, place)
        if self._spans:
            return self._release(hold)
        out = text[self._shown : hold]
        self._forget(hold)
        return out

    def _look_for_terms(self, text: str, final: bool) -> int:
        """Read the new characters; from where on a term may be on its way."""
        known, until = len(self._symbols), len(text)
        if not final and text[-1] in UNSURE:
            until -= 1
        before = self._state
        fresh = self._read(text, known, until) if until > known else ""
        hold = self._settle_waiting(until, final) if self._waiting else until
        if final or not self._state:
            self._begins = -1
            return hold
        terms = self._stage.terms
        if self._begins < 0 or not terms.went_on(before, fresh, self._state):
            place = terms.begins(self._state, self._symbols, self._shown)
            self._begins = place + self._base if place < until else -1
        return hold if self._begins < 0 else min(hold, self._begins - self._base)

    def _read(self, text: str, known: int, until: int) -> str:
        """The symbols of the new characters, after the terms in them were considered."""
        fresh = text[known:until]
        if "!" in fresh or "|" in fresh:
            fresh = symbols(fresh, text[max(0, known - 1) : known])
        else:
            fresh = fresh.translate(SYMBOLS)
        self._symbols += fresh
        self._state, found = self._stage.terms.find(self._state, fresh)
        for index, number in found:
            if not self._told_enough(known + index, number):
                self._consider(known + index, number)
        return fresh

    def _told_enough(self, end: int, number: int) -> bool:
        """Whether another match would change nothing: a text that is all matches must not cost more than one look each.

        A flag is raised already; or the text is cut long before this place.
        """
        rule = self._stage.terms.terms[number].rule
        if self._stage.rules[rule].action == "flag":
            return rule in self._flagged
        return self._cut is not None and self._base + end > self._cut

    def _consider(self, end: int, number: int) -> None:
        term = self._stage.terms.terms[number]
        ends = term.open_right or ends_word(self._symbols, end)
        if ends is False:
            return
        start = judge(term, self._text, self._symbols, end)
        if start is None or start < self._shown:
            return
        span = (self._base + start, self._base + end + 1, term.rule)
        if ends:
            self._found(span)
        else:
            self._waiting.append(span)

    def _settle_waiting(self, hold: int, final: bool) -> int:
        waiting, self._waiting = self._waiting, []
        for span in waiting:
            ends = ends_word(self._symbols, span[1] - self._base - 1)
            if ends or (ends is None and final):
                self._found(span)
            elif ends is None:
                self._waiting.append(span)
                hold = min(hold, span[0] - self._base)
        return hold

    def _look_for_patterns(self, final: bool) -> int:
        """From where on a pattern's match may be on its way. Indices of the view and of the window differ."""
        patterns, view, start = self._stage.patterns, self._folded, self._shown
        if IGNORED in view:
            start -= view.count(IGNORED, 0, start)
            view = view.replace(IGNORED, "")
        if final:
            return self._match(view, patterns.matching(view, start), final=True)
        if not self._is_due and patterns.is_quiet(view, start):
            return len(self._text)
        first, is_sure = patterns.first(view, start)
        if first < 0:
            return len(self._text)
        if is_sure:
            return self._places()[first]
        return self._match(view, range(len(self._begun)), final=False)

    def _places(self) -> Sequence[int]:
        """Where the characters that patterns see stand in the window, and its length."""
        if IGNORED not in self._folded:
            return range(len(self._folded) + 1)
        return [*(at for at, char in enumerate(self._folded) if char != IGNORED), len(self._folded)]

    def _match(self, view: str, which: Sequence[int], *, final: bool) -> int:
        """Look for these patterns each by itself."""
        if not which:
            return len(self._text)
        places = self._places()
        begun = [bisect_left(places, max(at - self._base, self._shown)) for at in self._begun]
        found, hold = self._stage.patterns.find(view, begun, final, which)
        self._begun = [places[at] + self._base for at in begun]
        for start, end, index in found:
            span = (places[start] + self._base, places[end - 1] + 1 + self._base)
            self._found((*span, self._stage.patterns.patterns[index].rule))
        return places[hold]

    def _found(self, span: Span) -> None:
        rule = self._stage.rules[span[2]]
        if rule.action == "flag":
            self._flagged.add(span[2])
        elif rule.action == "block":
            reach = span[0] + LONGEST_CHARS
            self._cut = reach if self._cut is None else min(self._cut, reach)
        if len(self.hits) < HITS_KEPT:
            self.hits.append(Hit(rule, self._text[span[0] - self._base : span[1] - self._base]))
        if rule.action != "flag":
            self._spans.append(span)

    def _release(self, hold: int) -> str:
        """What stands before `hold`, without the spans; stops in front of a block."""
        out, at = "", self._shown
        left: list[Span] = []
        for start, end, rank, rule in self._chains():
            if start >= hold or (rank < _BLOCK and end > hold):
                # What follows may still grow; it waits whole.
                hold = min(hold, start)
                left = [span for span in self._spans if span[0] - self._base >= start]
                break
            out += self._text[at:start]
            at = end
            if rank == _BLOCK:
                self.blocked = Hit(self._stage.rules[rule], self._text[start:end])
                return out
            out += self._stage.rules[rule].replacement
        self._spans = left
        out += self._text[at:hold]
        self._forget(max(at, hold))
        return out

    def _chains(self) -> list[tuple[int, int, int, int]]:
        """Spans that overlap, as one: start, end (in the window), the strongest action's rank and its rule."""
        chains: list[tuple[int, int, int, int]] = []
        for start, end, rule in sorted(self._spans):
            rank = RANKS[self._stage.rules[rule].action]
            one = (start - self._base, end - self._base, rank, rule)
            if chains and one[0] < chains[-1][1]:
                first, last, known, strongest = chains[-1]
                chains[-1] = (first, max(last, one[1]), max(known, rank), rule if rank > known else strongest)
            else:
                chains.append(one)
        return chains

    def _forget(self, shown: int) -> None:
        """Keep of what was shown only what the next characters are judged by."""
        cut = max(0, shown - 1)
        seen = -1
        if shown and self._symbols[cut:shown] == IGNORED:
            # What is not seen counts for terms up to its bound; patterns ask for the last character that is seen.
            cut = max(0, shown - GAP_CHARS)
            seen = len(self._symbols[:shown].rstrip(IGNORED)) - 1
        if 0 <= seen < cut:
            cut -= 1
            self._text = self._text[seen] + self._text[cut + 1 :]
            self._symbols = self._symbols[seen] + self._symbols[cut + 1 :]
            self._folded = self._folded[seen : seen + 1] + self._folded[cut + 1 :]
        else:
            self._text, self._symbols, self._folded = self._text[cut:], self._symbols[cut:], self._folded[cut:]
        self._base += cut
        self._shown = shown - cut

    def _resume(self, before: str) -> None:
        self._text = before
        self._symbols = symbols(before, "")
        if self._stage.patterns.patterns:
            self._folded = folded(before)
        self._state, _ = self._stage.terms.find(0, self._symbols)
        self._forget(len(before))
