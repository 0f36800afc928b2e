"""What stands between the model and the log of one run: text goes through the filter of its part; no database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zgpt.moderation.moderation import Moderation
from zgpt.moderation.rules import Hit
from zgpt.realtime.live import PARTS

Report = Callable[[list[Hit]], None]


class Screen:
    """`feed` takes a token and gives what may be shown. `on_block` is called when a second opinion objects."""

    __slots__ = ("_filters", "_kept", "_moderation", "_report", "_review", "blocked", "on_block")

    def __init__(self, moderation: Moderation, kept: Mapping[str, bytes], report: Report) -> None:
        """`kept` was shown in an earlier epoch; `report` is told of the rules that match, on the path of a token."""
        self._moderation = moderation
        self._kept = kept
        self._report = report
        self.on_block: Callable[[], None] = _nothing
        self.restart()

    def restart(self) -> None:
        """The model begins its answer again, behind what is kept."""
        before = {part: self._kept.get(part, b"").decode() for part in PARTS}
        self._filters = {part: self._moderation.answer_filter(before[part]) for part in PARTS}
        self._review = self._moderation.review(self._objected, "".join(before.values()))
        self.blocked = False

    def feed(self, part: str, data: bytes) -> bytes:
        """What of the text may be shown with this token; once per token, so keep it small."""
        filter_ = self._filters[part]
        text = data.decode()
        shown = filter_.feed(text)
        if filter_.hits or self._review is not None:
            self._note(part, shown)
        return data if shown == text else shown.encode()

    def finish(self, part: str) -> bytes:
        """What was held back of the part and may be shown, now that nothing follows."""
        shown = self._filters[part].finish()
        self._note(part, shown)
        return shown.encode()

    def when_reviewed(self, then: Callable[[], None]) -> None:
        """Call `then` once all opinions are there; at once where nobody is asked."""
        if self._review is None:
            then()
        else:
            self._review.end(then)

    def _note(self, part: str, shown: str) -> None:
        filter_ = self._filters[part]
        if filter_.hits:
            self._report(filter_.hits)
            filter_.hits = []
        self.blocked = filter_.blocked is not None
        if self._review is not None and shown:
            self._review.offer(shown)

    def _objected(self, hit: Hit) -> None:
        self.blocked = True
        self._report([hit])
        self.on_block()


def _nothing() -> None:
    """Nobody writes this run yet."""
