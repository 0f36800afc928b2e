"""Hears what the other processes say over Redis, and reads from the log what was not heard. Saying is in `broker_redis`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import gevent
import structlog
from gevent import Greenlet

from zgpt.realtime import bus
from zgpt.realtime.broker import Sink
from zgpt.realtime.live import PARTS, LiveRun, RunHead
from zgpt.realtime.protocol import encode_event
from zgpt.realtime.redis_link import RedisAway, RedisLink

SILENCE_S = 10.0
"""After this long without a message Redis is asked whether it is there."""
RETRY_S = 0.5

log = structlog.get_logger(__name__)


class Here(Sink, Protocol):
    """What is looked at in this process: the hub."""

    def live_run(self, run_id: str) -> LiveRun | None: ...

    def has_viewers(self, session_id: str) -> bool: ...


class RedisEar:
    """One subscription to all channels. `on_missed` is called after a silence in which events may have been lost."""

    def __init__(
        self, url: str, process_id: str, here: Here, read_run: Callable[[str, int], dict[str, bytes] | None]
    ) -> None:
        self.on_missed: Callable[[], None] = _nothing
        self._process_id = process_id
        self._here = here
        self._read_run = read_run
        self._link = RedisLink(url)
        self._loads: dict[str, Greenlet[..., None]] = {}

    def run(self) -> None:
        """Listen for as long as the process lives."""
        missed = False
        while True:
            try:
                self._link.pipeline([("SUBSCRIBE", channel) for channel in bus.channels()])
                if missed:
                    self.on_missed()
                self._listen()
            except RedisAway as fault:
                log.warning("redis_not_heard", reason=str(fault))
                missed = True
                gevent.sleep(RETRY_S)

    def prepare(self, heads: Iterable[RunHead]) -> None:
        """Have the text of these runs here before a viewer joins them; without Redis the viewer gets it when it is back."""
        loads = [self._load(head) for head in heads if self._lacks(head)]
        gevent.joinall(loads)

    def hear(self, message: bus.AnyMessage) -> None:
        """Take in what another process says."""
        match message:
            case bus.TextAppended(head=head, part=part, at=at, data=data):
                self._hear_text(head, part, at, data)
            case bus.RunOpened(head=head):
                self._load_if_viewed(head)
            case bus.Positions(head=head, ends=ends):
                if self._is_short(head, ends):
                    self._load_if_viewed(head)
            case bus.RunEnded():
                self._hear_end(message)
            case bus.RunDropped(run_id=run_id, epoch=epoch):
                self._here.run_dropped(run_id, epoch)
            case bus.EventPublished(user_id=user_id, session_id=session_id, payload=payload):
                self._here.event_published(user_id, session_id, payload)
            case bus.LoginRevoked(user_id=user_id, login_id=login_id, code=code):
                self._here.login_revoked(user_id, login_id, code)
            case bus.StopRequested(run_id=run_id):
                self._here.stop_requested(run_id)

    def _listen(self) -> None:
        while True:
            try:
                reply = self._link.read(SILENCE_S)
            except RedisAway:
                # Silence, or a dead connection: a new subscription tells them apart, and repairs the second.
                raise
            if isinstance(reply, list) and reply[0] == b"message":
                message = bus.decode(reply[2])
                if message is not None and message.origin != self._process_id:
                    self.hear(message)

    def _hear_text(self, head: RunHead, part: str, at: int, data: bytes) -> None:
        run = self._here.live_run(head.run_id)
        if run is None or run.head.epoch < head.epoch or at > len(run.parts[part].data):
            self._load_if_viewed(head)
        else:
            self._here.text_appended(head.run_id, head.epoch, part, at, data)

    def _hear_end(self, message: bus.RunEnded) -> None:
        head = message.head
        if self._is_short(head, message.end.ends):
            if self._here.has_viewers(head.session_id):
                gevent.spawn(self._load_and_end, message)
            return
        self._here.run_ended(head.run_id, head.epoch, message.end)

    def _load_and_end(self, message: bus.RunEnded) -> None:
        head, end = message.head, message.end
        self._load(head).join()
        if self._is_short(head, end.ends):
            # The log has let go of it already. The end carries the whole message, so nothing is missing.
            self._here.event_published(head.user_id, head.session_id, encode_event(end))
            self._here.run_dropped(head.run_id, head.epoch)
        else:
            self._here.run_ended(head.run_id, head.epoch, end)

    def _load_if_viewed(self, head: RunHead) -> None:
        if self._here.live_run(head.run_id) is not None or self._here.has_viewers(head.session_id):
            self._load(head)

    def _load(self, head: RunHead) -> Greenlet[..., None]:
        """Read the run from the log; one read at a time per run."""
        load = self._loads.get(head.run_id)
        if load is None:
            load = self._loads[head.run_id] = gevent.spawn(self._read, head)
        return load

    def _read(self, head: RunHead) -> None:
        try:
            texts = self._read_run(head.run_id, head.epoch)
        except RedisAway:
            return
        finally:
            del self._loads[head.run_id]
        if texts is not None:
            self._take(head, texts)

    def _take(self, head: RunHead, texts: dict[str, bytes]) -> None:
        run = self._here.live_run(head.run_id)
        if run is None or run.head.epoch < head.epoch:
            self._here.run_opened(head, texts)
            return
        for part in PARTS:
            held = len(run.parts[part].data)
            if run.head.epoch == head.epoch and len(texts[part]) > held:
                self._here.text_appended(head.run_id, head.epoch, part, held, texts[part][held:])

    def _lacks(self, head: RunHead) -> bool:
        run = self._here.live_run(head.run_id)
        return run is None or run.head.epoch < head.epoch

    def _is_short(self, head: RunHead, ends: dict[str, int]) -> bool:
        """Whether this process holds less of the run than there is."""
        run = self._here.live_run(head.run_id)
        if run is None or run.head.epoch < head.epoch:
            return True
        return run.head.epoch == head.epoch and any(len(run.parts[part].data) < end for part, end in ends.items())


def _nothing() -> None:
    """Nobody wants to know."""
