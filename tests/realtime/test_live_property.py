"""Any interleaving of appends, flushes, blocked sockets, joins and new epochs shows every viewer exactly the text."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.delivery import RUN, SESSION, Link, ended, head
from tests.support.transcript import Transcript
from zgpt.realtime.live import PARTS, Cursor, LiveRun

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
PART_NAMES = st.sampled_from(PARTS)
ROOMS = st.one_of(st.none(), st.integers(1, 3))
WHICH = st.integers(0, 20)


class Page:
    """A viewer that follows the rules of docs/protocol.md and judges everything it is sent."""

    def __init__(self, link: Link, cursor: Cursor, transcript: Transcript) -> None:
        self.link, self.cursor, self.transcript = link, cursor, transcript
        self.read_frames = 0
        self.shown_at_end: dict[str, str] | None = None

    def read(self) -> None:
        for event in self.link.seen[self.read_frames :]:
            if event["type"] == "run.completed":
                self._end(event)
            assert not self.transcript.apply(event), "it would have to ask again"
        self.read_frames = len(self.link.seen)

    def _end(self, event: dict[str, Any]) -> None:
        assert self.shown_at_end is None, "a second end"
        self.shown_at_end = {part: self.shown(part) for part in PARTS}
        event["message"]["reasoning"] = self.shown("reasoning")

    def shown(self, part: str) -> str:
        """The part as shown, if it is of the newest epoch: a page shows the old one until the new one has text."""
        shown = self.transcript.shown.get((RUN, part))
        return shown.data.decode() if shown and shown.epoch == self.cursor.run.head.epoch else ""

    def holds(self) -> dict[str, tuple[int, int]]:
        holds = self.transcript.holds()
        newest = max((hold["epoch"] for hold in holds), default=0)
        return {hold["part"]: (hold["epoch"], hold["offset"]) for hold in holds if hold["epoch"] == newest}


class Delivery(RuleBasedStateMachine):
    """The model is two strings."""

    def __init__(self) -> None:
        super().__init__()
        self.run = LiveRun(head(), {})
        self.said = dict.fromkeys(PARTS, "")
        self.pages: list[Page] = []

    @rule(room=ROOMS)
    def join(self, room: int | None) -> None:
        self._add(Link(room), Transcript(session_id=SESSION, revision=ended().revision - 1), {})

    @precondition(lambda self: self.pages)
    @rule(which=WHICH)
    def come_back(self, which: int) -> None:
        """A page lost its connection and resumes from what it shows."""
        page = self.pages[which % len(self.pages)]
        if page.shown_at_end is None:
            self.pages.remove(page)
            self.run.cursors.discard(page.cursor)
            self._add(Link(), page.transcript, page.holds())

    def _add(self, link: Link, transcript: Transcript, holds: dict[str, tuple[int, int]]) -> None:
        cursor = self.run.add_cursor(link, holds)
        self.run.advance(cursor)
        self.pages.append(Page(link, cursor, transcript))

    @precondition(lambda self: self.run.end is None)
    @rule(part=PART_NAMES, text=TEXTS)
    def append(self, part: str, text: str) -> None:
        assert self.run.append(self.run.head.epoch, part, len(self.said[part].encode()), text.encode())
        self.said[part] += text

    @rule()
    def flush(self) -> None:
        self.run.flush()

    @precondition(lambda self: self.pages)
    @rule(which=WHICH)
    def block(self, which: int) -> None:
        self.pages[which % len(self.pages)].link.block()

    @precondition(lambda self: self.pages)
    @rule(which=WHICH, room=ROOMS, told=st.booleans())
    def drain(self, which: int, room: int | None, told: bool) -> None:
        """`told`: the hub hears of it before the next flush does."""
        page = self.pages[which % len(self.pages)]
        page.link.drain(room)
        if told:
            self.run.advance(page.cursor)

    @precondition(lambda self: self.run.end is None and self.run.head.epoch < 4)
    @rule(share=st.floats(0, 1))
    def new_epoch(self, share: float) -> None:
        self.said = {part: text[: int(len(text) * share)] for part, text in self.said.items()}
        self.run.restart(head(self.run.head.epoch + 1), {part: text.encode() for part, text in self.said.items()})
        self.run.advance_all()

    @precondition(lambda self: self.run.end is None)
    @rule()
    def end(self) -> None:
        self.run.finish(ended(text=self.said["text"]))
        self.run.flush()

    @invariant()
    def nobody_is_shown_anything_else(self) -> None:
        for page in self.pages:
            page.read()
            assert all(self.said[part].startswith(page.shown(part)) for part in PARTS)
            assert page.shown_at_end in (None, self.said), "the end came before the last byte"

    def teardown(self) -> None:
        """All sockets take everything again: now all show the same, whole."""
        self.run.flush()
        for page in self.pages:
            page.link.drain()
            self.run.advance(page.cursor)
            page.read()
            assert {part: page.shown(part) for part in PARTS} == self.said
            assert (page.shown_at_end is None) == (self.run.end is None)


TestDelivery = Delivery.TestCase
# The same walks every time: a new one that fails belongs to whoever changes this, not to whoever lands next.
TestDelivery.settings = settings(max_examples=100, stateful_step_count=40, deadline=None, derandomize=True)
