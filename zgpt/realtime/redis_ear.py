"""Hears what the other processes say and passes it to this one's hub. Reading the log is in `redis_reader`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import gevent
import structlog
from gevent.event import Event as Signal

from zgpt.core import clock
from zgpt.realtime import bus, redis_log
from zgpt.realtime.broker import Sink
from zgpt.realtime.live import LiveRun, RunHead
from zgpt.realtime.protocol import encode_event
from zgpt.realtime.redis_link import RedisAway, RedisLink, Reply
from zgpt.realtime.redis_reader import RunReader, is_short

SILENCE_S = 10.0
"""This process hears its own beat every 1.5 s: after this long without a message the subscription is dead."""
RETRY_S = 0.5
MESSAGES_PER_TURN = 64

log = structlog.get_logger(__name__)


class Here(Sink, Protocol):
    """What is looked at in this process: the hub."""

    def live_run(self, run_id: str) -> LiveRun | None: ...

    def has_viewers(self, session_id: str) -> bool: ...


class RedisEar:
    """One subscription to all channels. `on_missed` is called whenever events may have been lost before."""

    def __init__(
        self, url: str, process_id: str, here: Here, read_run: Callable[[str, int], redis_log.Texts | None]
    ) -> None:
        self.on_missed: Callable[[], None] = _nothing
        self.on_released: Callable[[], None] = _nothing
        self.ready = Signal()
        self._origin = process_id.encode()
        self._here = here
        self._link = RedisLink(url)
        self._reader = RunReader(here, read_run)
        self._heard_s: dict[str, float] = {}

    def run(self) -> None:
        """Listen for as long as the process lives."""
        while True:
            try:
                self._listen()
            except RedisAway as fault:
                log.warning("redis_not_heard", reason=str(fault))
            except Exception:
                # Nobody here would hear anything any more.
                log.exception("hearing_failed")
            finally:
                self._link.close()
            self.ready.set()
            gevent.sleep(RETRY_S)

    def _listen(self) -> None:
        # Messages may come between the answers: they are heard like the others.
        for reply in self._link.pipeline([("SUBSCRIBE", channel) for channel in bus.channels()]):
            self._take(reply)
        if self.ready.is_set():
            self._missed()
        self.ready.set()
        while True:
            for _ in range(MESSAGES_PER_TURN):
                self._take(self._link.read(SILENCE_S))
            # What has arrived already is read without a wait: a burst would keep all others from their turn.
            gevent.sleep(0)

    def prepare(self, heads: Iterable[RunHead]) -> None:
        """Have the text of these runs here before a viewer joins them; without Redis it comes when that is back."""
        lacking = [head for head in heads if self._reader.lacks(head)]
        self._heard_s.update((head.run_id, clock.monotonic()) for head in lacking)
        gevent.joinall([self._reader.load(head) for head in lacking])

    def silent(self, for_s: float) -> list[str]:
        """Runs of others that are followed here and of which nothing was heard for so long."""
        now_s = clock.monotonic()
        followed = [run.head.run_id for run in self._followed()]
        return [run_id for run_id in followed if now_s - self._heard_s[run_id] >= for_s]

    def hear(self, message: bus.AnyMessage) -> None:
        """Take in what another process says."""
        match message:
            case bus.TextAppended():
                self._hear_text(message)
            case bus.RunOpened():
                self._hear_opened(message.head, message.size)
            case bus.Positions():
                for head, ends in message.runs:
                    self._hear_position(head, ends)
            case bus.RunEnded():
                self._hear_end(message)
            case _:
                self._hear_event(message)

    def _hear_event(self, message: bus.AnyMessage) -> None:
        here = self._here
        match message:
            case bus.RunDropped(run_id=run_id, epoch=epoch):
                here.run_dropped(run_id, epoch)
            case bus.EventPublished(user_id=user_id, session_id=session_id, payload=payload):
                here.event_published(user_id, session_id, payload)
            case bus.LoginRevoked(user_id=user_id, login_id=login_id, code=code):
                here.login_revoked(user_id, login_id, code)
            case bus.StopRequested(run_id=run_id):
                here.stop_requested(run_id)
            case bus.RunsReleased():
                self.on_released()

    def _missed(self) -> None:
        for run in self._followed():
            self._reader.load(run.head)
        gevent.spawn(self.on_missed)

    def _take(self, reply: Reply) -> None:
        if not isinstance(reply, list) or reply[0] != b"message":
            return
        if bus.is_of(reply[2], self._origin):
            return
        message = bus.decode(reply[2])
        if message is None:
            return
        try:
            self.hear(message)
        except Exception:
            # One message that cannot be taken in must not end the hearing.
            log.exception("message_not_taken", kind=type(message).__name__)

    def _hear_text(self, message: bus.TextAppended) -> None:
        head, run = message.head, self._here.live_run(message.head.run_id)
        if run is None and not self._here.has_viewers(head.session_id):
            return
        self._heard_s[head.run_id] = clock.monotonic()
        if run is None or run.head.epoch < head.epoch or message.at > len(run.parts[message.part].data):
            self._reader.load(head)
        else:
            self._here.text_appended(head.run_id, head.epoch, message.part, message.at, message.data)

    def _hear_opened(self, head: RunHead, size: int) -> None:
        if not self._is_followed(head):
            return
        self._heard_s[head.run_id] = clock.monotonic()
        if size == 0 and self._reader.lacks(head):
            self._here.run_opened(head, {})
        else:
            self._reader.load(head)

    def _hear_position(self, head: RunHead, ends: dict[str, int]) -> None:
        if not self._is_followed(head):
            return
        self._heard_s[head.run_id] = clock.monotonic()
        if is_short(self._here.live_run(head.run_id), head, ends):
            self._reader.load(head)

    def _hear_end(self, message: bus.RunEnded) -> None:
        head, end = message.head, message.end
        if not is_short(self._here.live_run(head.run_id), head, end.ends):
            self._here.run_ended(head.run_id, head.epoch, end)
        elif self._here.has_viewers(head.session_id):
            gevent.spawn(self._load_and_end, message)
        else:
            self._here.run_dropped(head.run_id, head.epoch)

    def _load_and_end(self, message: bus.RunEnded) -> None:
        head, end = message.head, message.end
        self._reader.load(head).join()
        run = self._here.live_run(head.run_id)
        if is_short(run, head, end.ends):
            # The log has let go of it already. The end carries the whole message, so nothing is missing.
            self._here.event_published(head.user_id, head.session_id, encode_event(end))
            self._here.run_dropped(head.run_id, run.head.epoch if run else head.epoch)
        else:
            self._here.run_ended(head.run_id, head.epoch, end)

    def _is_followed(self, head: RunHead) -> bool:
        return self._here.live_run(head.run_id) is not None or self._here.has_viewers(head.session_id)

    def _followed(self) -> list[LiveRun]:
        """Runs of others that are known here and go on; when the rest was heard of is forgotten."""
        known = [run for run_id in self._heard_s if (run := self._here.live_run(run_id)) is not None]
        followed = [run for run in known if run.end is None]
        self._heard_s = {run.head.run_id: self._heard_s[run.head.run_id] for run in followed}
        return followed


def _nothing() -> None:
    """Nobody wants to know."""
