"""The broker of several processes, over Redis: what is shown anywhere stands in its log first.

Who owns a run is decided in zgpt/runs, how sure this process may be of that in `redis_lease`. Saying is in
`redis_writer` and `redis_steps`, hearing in `redis_ear`. While Redis is away, runs of this process go on for the
viewers that are connected to it; the others catch up from the text, which is written again, whole, when Redis is back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import gevent
import hiredis
import structlog
from gevent import Greenlet
from gevent.lock import RLock

from zgpt.core import clock
from zgpt.realtime import bus, redis_log
from zgpt.realtime.broker import Sink
from zgpt.realtime.live import PARTS, LiveRun, RunHead
from zgpt.realtime.protocol import Event, RunCompleted, encode_event
from zgpt.realtime.redis_ear import Here, RedisEar
from zgpt.realtime.redis_lease import Lease
from zgpt.realtime.redis_link import TIMEOUT_S, Command, RedisAway, RedisLink, Reply
from zgpt.realtime.redis_steps import Append, Drop, End, Open, OwnRun, Reopen, Say
from zgpt.realtime.redis_writer import RedisWriter, Step

RETRY_S = 0.5
"""Between tries to reach a Redis that is away, or to write a run whole that it refused."""
ANSWERS = 2
"""A Redis that has answered twice is back: by then the others listen again, and hear what could not be said."""
IDLE_S = 30.0
"""A connection that carried nothing for so long may have been forgotten by a firewall, without a word: it is made anew.
The others are never idle: the lease is renewed on one, the beat is heard on the other."""
POSITIONS_S = 2.0
"""How often the lengths of live parts are said, so that a process that missed a message notices."""

log = structlog.get_logger(__name__)


class RedisBroker:
    """See Broker. Call `start` in the process that serves; in others, what is published is written at once."""

    def __init__(self, url: str, process_id: str, find_run: Callable[[str], LiveRun | None]) -> None:
        self.process_id = process_id
        self.on_fenced: Callable[[str, int], None] = _nothing
        self._url = url
        self._find_run = find_run
        self._link = RedisLink(url, redis_log.SCRIPTS)
        self._writer = RedisWriter(self._link, self._reopened)
        self._writer.on_away = self._all_unlogged
        self.lease = Lease(process_id, self._writer, lambda: bool(self._own))
        self._questions = RedisLink(url, redis_log.SCRIPTS)
        self._asking = RLock()
        self._closed = False
        self._answers = 0
        self._silent_until_s = self._told_s = self._asked_s = 0.0
        self._ear: RedisEar | None = None
        self._greenlets: list[Greenlet[..., None]] = []
        self._sink: Sink
        self._own: dict[str, OwnRun] = {}
        self._unlogged: set[OwnRun] = set()
        self._last: dict[tuple[str, str], tuple[int, Append]] = {}

    @property
    def away(self) -> bool:
        return self._writer.away

    def attach(self, sink: Sink) -> None:
        self._sink = sink

    def start(self) -> RedisEar:
        """Begin to write, to renew the lease and to listen for the sink, which must be the hub."""
        self._ear = RedisEar(self._url, self.process_id, cast("Here", self._sink), self.read_run)
        self.lease.enter()
        self._writer.start()
        self._greenlets = [gevent.spawn(self._tend), gevent.spawn(self._ear.run)]
        self._ear.ready.wait(TIMEOUT_S)
        return self._ear

    def close(self) -> None:
        """The process ends and has let go of its runs: say so, so that nobody has to wait for the lease to expire."""
        if self._closed:
            return
        self._closed = True
        gevent.killall(self._greenlets)
        self._writer.stop()
        self._writer.put(Say(bus.channel(self.process_id), bus.encode(bus.RunsReleased(self.process_id)), keep=False))
        try:
            self.ask([("DEL", bus.process_key(self.process_id))])
        except RedisAway:
            log.warning("lease_left_to_expire")
        for link in (self._link, self._questions):
            link.end()

    # What this process says

    def open_run(self, head: RunHead, kept: Mapping[str, bytes]) -> None:
        earlier = self._own.get(head.run_id)
        if earlier is not None:
            self.abandon(head.run_id, earlier.head.epoch)
        own = self._own[head.run_id] = OwnRun(head, self.process_id, self._refused)
        own.logged = not self.away
        if self.away:
            self._unlogged.add(own)
        self._writer.put(Open(own, self._sink, dict(kept)))

    def append(self, run_id: str, epoch: int, part: str, at: int, data: bytes) -> None:
        own = self._own.get(run_id)
        if own is None or own.head.epoch != epoch:
            return
        batch, last = self._last.get((run_id, part), (-1, None))
        if last is not None and batch == self._writer.batch and last.own is own and last.at + len(last.data) == at:
            last.data += data
            return
        step = Append(own, self._sink, part, at, data)
        if not self.away:
            self._last[run_id, part] = (self._writer.batch, step)
        self._writer.put(step)

    def end_run(self, run_id: str, epoch: int, end: RunCompleted) -> None:
        own = self._let_go(run_id, epoch)
        if own is not None:
            self._writer.put(End(own, self._sink, end))

    def drop_run(self, run_id: str, epoch: int) -> None:
        own = self._let_go(run_id, epoch)
        if own is not None:
            self._writer.put(Drop(own, self._sink))

    def abandon(self, run_id: str, epoch: int) -> None:
        """Another process owns the run: show and write nothing more of it."""
        own = self._let_go(run_id, epoch)
        if own is not None:
            own.lost = True

    def prepare(self, heads: Iterable[RunHead]) -> None:
        if self._ear is not None:
            self._ear.prepare(heads)

    def publish(self, user_id: str, session_id: str | None, event: Event) -> None:
        payload = encode_event(event)
        self._say(user_id, bus.EventPublished(self.process_id, user_id, session_id, payload))
        self._sink.event_published(user_id, session_id, payload)

    def revoke(self, user_id: str, login_id: str | None, code: int) -> None:
        self._say(user_id, bus.LoginRevoked(self.process_id, user_id, login_id, code))
        self._sink.login_revoked(user_id, login_id, code)

    def request_stop(self, run_id: str) -> None:
        self._say(run_id, bus.StopRequested(self.process_id, run_id))
        self._sink.stop_requested(run_id)

    # What is asked of Redis

    def ask(self, commands: list[Command]) -> list[Reply]:
        """Replies to commands outside the stream of appends; waits for its turn, but not long. Raises RedisAway.

        A Redis that refuses to answer is away too: what it does not tell must not be taken for a no.
        """
        replies = self._ask_it(commands)
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                raise RedisAway(str(reply))
        return replies

    def _ask_it(self, commands: list[Command]) -> list[Reply]:
        if self.away or clock.monotonic() < self._silent_until_s:
            raise RedisAway("it did not answer a moment ago")
        if not self._asking.acquire(timeout=TIMEOUT_S):
            raise RedisAway("too many wait for it")
        try:
            if clock.monotonic() - self._asked_s > IDLE_S:
                self._questions.close()
            self._asked_s = clock.monotonic()
            return self._questions.pipeline(commands)
        except RedisAway:
            self._silent_until_s = clock.monotonic() + RETRY_S
            raise
        finally:
            self._asking.release()

    def read_run(self, run_id: str, epoch: int) -> redis_log.Texts | None:
        """The text of an epoch as the log holds it, or None when the log does not hold it. Raises RedisAway."""
        return redis_log.texts_of_read(self.ask(redis_log.read_commands(run_id, epoch)), epoch)

    def take_run(self, run_id: str, epoch: int) -> redis_log.Texts | None:
        """Fence every earlier epoch off and get what was shown last. Raises RedisAway."""
        return redis_log.texts_of_take(self.ask([redis_log.take_command(run_id, epoch)])[0])

    def living(self, process_ids: Sequence[str]) -> set[str]:
        """Which of these processes hold a lease now. Raises RedisAway."""
        replies = self.ask([("EXISTS", bus.process_key(process_id)) for process_id in process_ids])
        return {process_id for process_id, there in zip(process_ids, replies, strict=True) if there == 1}

    # The lease, and runs that Redis does not hold whole

    def _tend(self) -> None:
        while True:
            try:
                self._tend_once()
            except Exception:
                # Without the next renewal this process would be taken for dead.
                log.exception("lease_not_tended")
            gevent.sleep(RETRY_S)

    def _tend_once(self) -> None:
        if self.away:
            self._try_to_return()
        elif self.lease.renew_if_due():
            self._say(self.process_id, bus.Beat(self.process_id), keep=False)
        now_s = clock.monotonic()
        if now_s - self._told_s >= POSITIONS_S:
            self._told_s = now_s
            self._tell_positions()
        if self._unlogged:
            self._writer.wake()

    def _try_to_return(self) -> None:
        if not self.lease.come_back():
            self._answers = 0
            return
        self._answers += 1
        if self._writer.sure and self._answers >= ANSWERS:
            self._answers = 0
            log.info("redis_back", runs=len(self._own))
            self._writer.returned()
            # The others subscribe again at about this time, and may not have heard that the runs were written whole.
            self._told_s = clock.monotonic() + RETRY_S - POSITIONS_S

    def _all_unlogged(self) -> None:
        self._unlogged.update(self._own.values())
        for own in self._own.values():
            own.logged = False

    def _refused(self, own: OwnRun, reply: Reply) -> None:
        if reply == redis_log.FENCED:
            own.lost = True
            if self._let_go(own.head.run_id, own.head.epoch):
                log.warning("run_fenced", run_id=own.head.run_id, epoch=own.head.epoch)
                self.on_fenced(own.head.run_id, own.head.epoch)
        elif own.logged and self._own.get(own.head.run_id) is own:
            # Restarted empty, or out of memory: our memory is the log until it is well again.
            log.warning("redis_lost_text", run_id=own.head.run_id, reply=str(reply)[:100])
            own.logged = False
            self._unlogged.add(own)
            self._writer.wake()

    def _reopened(self) -> list[Step]:
        """The steps that write whole, before anything else, the runs that Redis does not hold."""
        if not self._unlogged or self.away or not self._writer.sure:
            return []
        due = [own for own in self._unlogged if clock.monotonic() - own.opened_s >= RETRY_S]
        steps: list[Step] = []
        for own in due:
            run = self._find_run(own.head.run_id)
            if run is None or run.head != own.head:
                continue
            self._unlogged.discard(own)
            own.logged = True
            steps.append(Reopen(own, self._sink, {part: bytes(run.parts[part].data) for part in PARTS}))
        return steps

    def _let_go(self, run_id: str, epoch: int) -> OwnRun | None:
        own = self._own.get(run_id)
        if own is None or own.head.epoch != epoch:
            return None
        del self._own[run_id]
        self._unlogged.discard(own)
        for part in PARTS:
            self._last.pop((run_id, part), None)
        return own

    def _say(self, key: str, message: bus.AnyMessage, *, keep: bool = True) -> None:
        self._writer.put(Say(bus.channel(key), bus.encode(message), keep=keep))

    def _tell_positions(self) -> None:
        runs: dict[str, list[tuple[RunHead, dict[str, int]]]] = {}
        for own in self._own.values():
            run = self._find_run(own.head.run_id)
            if own.logged and run is not None and run.head == own.head:
                ends = {part: len(run.parts[part].data) for part in PARTS}
                runs.setdefault(own.head.user_id, []).append((own.head, ends))
        for user_id, live in runs.items():
            self._say(user_id, bus.Positions(self.process_id, live), keep=False)


def _nothing(run_id: str, epoch: int) -> None:
    """Nobody owns runs here (yet)."""
