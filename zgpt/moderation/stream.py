"""The filter of one growing text: lets through what no rule can still object to, and holds the rest back.

Promise: what comes out does not depend on the pieces in which the text came, and nothing that a rule blocks or redacts
ever comes out, not even in part behind its first character. Text is held back exactly from where a match may be on its
way; on ordinary words that is nothing or a part of the last word.
"""

from __future__ import annotations

from bisect import bisect_left

from zgpt.moderation.normalise import IGNORED, SYMBOLS, UNSURE, symbols
from zgpt.moderation.patterns import view_of
from zgpt.moderation.rules import RANKS, Hit, Stage
from zgpt.moderation.terms import GAP_CHARS, ends_word

_BLOCK = RANKS["block"]
HITS_KEPT = 64
"""Of one text: what follows in a text that is all redactions would tell nothing more."""

LONGEST_CHARS = 8_192
"""Longer than any term with all its gaps."""

Span = tuple[int, int, int]
"""Start, end, the rule's index; offsets in characters of the whole text."""


class StreamFilter:
    """`feed` takes a piece and gives what may be shown; `finish` gives the rest. `hits` are the rules that matched."""

    __slots__ = ("_base", "_begun", "_cut", "_flagged", "_shown", "_spans", "_stage", "_state", "_symbols", "_text",
                 "_waiting", "blocked", "hits")  # fmt: skip

    def __init__(self, stage: Stage, before: str = "") -> None:
        """`before` is what was shown already of a text that is continued: the last characters are enough."""
        self._stage = stage
        self._state = 0
        self._base = 0  # offset of the window's first character
        self._text = ""  # the window: a little context, and what is held back
        self._symbols = ""
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
        patterns = self._stage.patterns
        if patterns.patterns:
            view, places = view_of(text, self._symbols)
            start = self._shown if places is None else bisect_left(places, self._shown)
            if patterns.may_match(view, start):
                hold = min(hold, self._look_for_patterns(view, places, final))
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
        if until > known:
            fresh = text[known:until]
            fresh = (
                symbols(fresh, text[max(0, known - 1) : known])
                if "!" in fresh or "|" in fresh
                else fresh.translate(SYMBOLS)
            )
            self._symbols += fresh
            self._state, found = self._stage.terms.find(self._state, fresh)
            for index, number in found:
                if not self._told_enough(known + index, number):
                    self._consider(known + index, number)
        hold = self._settle_waiting(until, final) if self._waiting else until
        if final or not self._state:
            return hold
        return min(hold, self._stage.terms.begins(self._state, self._symbols, self._shown))

    def _told_enough(self, end: int, number: int) -> bool:
        """Whether another match would change nothing: a text that is all matches must not cost more than one look each.

        A flag is raised already; or the text is cut long before this place.
        """
        rule = self._stage.terms.terms[number].rule
        if self._stage.rules[rule].action == "flag":
            return rule in self._flagged
        return self._cut is not None and self._base + end > self._cut

    def _consider(self, end: int, number: int) -> None:
        terms = self._stage.terms
        start = terms.judge(number, self._text, self._symbols, end)
        if start is None or start < self._shown:
            return
        term = terms.terms[number]
        span = (self._base + start, self._base + end + 1, term.rule)
        ends = term.open_right or ends_word(self._symbols, end)
        if ends:
            self._found(span)
        elif ends is None:
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

    def _look_for_patterns(self, view: str, places: list[int] | None, final: bool) -> int:
        """From where on a pattern's match may be on its way. Indices of the view and of the window differ."""
        begun = [max(at - self._base, self._shown) for at in self._begun]
        if places is None:
            found, hold = self._stage.patterns.find(view, begun, final)
            self._begun = [at + self._base for at in begun]
        else:
            begun = [bisect_left(places, at) for at in begun]
            found, hold = self._stage.patterns.find(view, begun, final)
            ends = [*places, len(self._text)]
            found = [(places[start], places[end - 1] + 1, index) for start, end, index in found]
            self._begun = [ends[at] + self._base for at in begun]
            hold = ends[hold]
        for start, end, index in found:
            self._found((start + self._base, end + self._base, self._stage.patterns.patterns[index].rule))
        return hold

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
        text, symbols_ = self._text, self._symbols
        if shown and symbols_[cut:shown] == IGNORED:
            # What is not seen counts for terms up to its bound; patterns ask for the last character that is seen.
            cut = max(0, shown - GAP_CHARS)
            seen = len(symbols_[:shown].rstrip(IGNORED)) - 1
            if 0 <= seen < cut:
                cut -= 1
                text = text[:cut] + text[seen] + text[cut + 1 :]
                symbols_ = symbols_[:cut] + symbols_[seen] + symbols_[cut + 1 :]
        self._text, self._symbols = text[cut:], symbols_[cut:]
        self._base += cut
        self._shown = shown - cut

    def _resume(self, before: str) -> None:
        self._text = before
        self._symbols = symbols(before, "")
        self._state, _ = self._stage.terms.find(0, self._symbols)
        self._forget(len(before))
