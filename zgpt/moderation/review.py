"""Second opinions on an answer while it streams: in windows that overlap, beside the stream, which never waits.

What a window shows may be seen before its opinion comes; the filter of the stream has read it by then. The end of an
answer waits for the opinion on its last window.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
import structlog

from zgpt.llm.base import BYTES_PER_TOKEN
from zgpt.moderation.opinion import Adviser, NoOpinionError, Opinion

WINDOW_CHARS = int(200 * BYTES_PER_TOKEN)
OVERLAP_CHARS = int(50 * BYTES_PER_TOKEN)
UNREAD_CHARS = 16 * WINDOW_CHARS
"""A model that is faster than its reader: what is asked about at once is bounded, older text is passed over."""

log = structlog.get_logger(__name__)


class Review:
    """Of one answer. `object` is called, at most once, with what is wrong; None: nothing could be found out."""

    __slots__ = ("_adviser", "_asking", "_ended", "_object", "_read", "_text")

    def __init__(self, adviser: Adviser, objects: Callable[[Opinion | None], None], before: str = "") -> None:
        self._adviser = adviser
        self._object: Callable[[Opinion | None], None] | None = objects
        self._text = before[-OVERLAP_CHARS:]
        self._read = len(self._text)
        self._asking = False
        self._ended: Callable[[], None] | None = None

    def offer(self, piece: str) -> None:
        """More of the answer was shown."""
        self._text += piece
        if len(self._text) - self._read >= WINDOW_CHARS - OVERLAP_CHARS:
            self._ask()

    def end(self, then: Callable[[], None]) -> None:
        """The answer is whole: read the rest of it, then call `then`."""
        self._ended = then
        self._ask()

    def _ask(self) -> None:
        if not self._asking:
            self._asking = True
            gevent.spawn(self._work)

    def _work(self) -> None:
        while self._object is not None and self._due():
            text = self._text[-UNREAD_CHARS:]
            self._text, self._read = text[-OVERLAP_CHARS:], min(len(text), OVERLAP_CHARS)
            self._judge(text)
        self._asking = False
        if self._ended is not None:
            then, self._ended = self._ended, None
            then()

    def _due(self) -> bool:
        unread = len(self._text) - self._read
        return unread > 0 if self._ended is not None else unread >= WINDOW_CHARS - OVERLAP_CHARS

    def _judge(self, text: str) -> None:
        opinion: Opinion | None = None
        try:
            opinion = self._adviser.ask(text, "assistant")
        except NoOpinionError as fault:
            log.warning("moderation_no_opinion", stage="answer", fault=str(fault), fails=self._adviser.fails)
            if self._adviser.fails == "open":
                return
        if opinion is None or opinion.flagged:
            tell, self._object = self._object, None
            if tell is not None:
                tell(opinion)
