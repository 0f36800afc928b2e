"""Writes answers: one greenlet per open run, from its place in the queue to its end. What is stored is in `ending`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import TypeVar, cast

import gevent
import structlog
from flask import Flask, current_app
from gevent.event import Event

from zgpt.core import clock, metrics
from zgpt.core.config import Settings
from zgpt.core.db import database_faults
from zgpt.core.errors import Problem, Unavailable
from zgpt.llm.base import Provider
from zgpt.llm.slots import Slots
from zgpt.realtime.broker import Broker
from zgpt.realtime.live import RunHead
from zgpt.realtime.protocol import RunCompleted, RunQueued, RunStarted
from zgpt.runs import ending
from zgpt.runs.active import ActiveRun, Deadlines, Fault, Outcome
from zgpt.runs.moderated import screen_for
from zgpt.runs.prompt import ContextBudget, build_prompt

T = TypeVar("T")

RETRY_FIRST_S = 0.1
RETRY_LONGEST_S = 2.0
"""Between tries to reach a database or a model that is away: quick at first, never a storm."""
REASON_CHARACTERS = 120
"""Of what the database said: the cause is in its first words, and text of people may follow."""
INTERNAL = Fault("internal", "Something broke on our side while the answer was written. Try again.", True)

log = structlog.get_logger(__name__)


def current_runner() -> Runner:
    """The runner of the current app."""
    return cast("Runner", current_app.extensions["runs"])


class Runner:
    """The runs of this process."""

    def __init__(self, app: Flask, provider: Provider, broker: Broker, settings: Settings, slots: Slots) -> None:
        self._app = app
        self._provider = provider
        self._broker = broker
        self._settings = settings
        self._slots = slots
        self._active: dict[str, ActiveRun] = {}
        self.coming: set[str] = set()
        """Runs that were claimed, and that this process is about to write."""
        self._deadlines = Deadlines(
            settings.llm_first_token_timeout_s, settings.llm_idle_timeout_s, settings.llm_total_timeout_s
        )
        self._draining = False
        self.urgent = Event()
        self.on_ended: Callable[[ActiveRun, Outcome], None] = _nothing

    @property
    def model(self) -> str:
        return self._provider.model

    @property
    def owner(self) -> str:
        """Who writes the runs of this process."""
        return self._broker.process_id

    def active(self) -> list[ActiveRun]:
        """Runs that this process owns."""
        return list(self._active.values())

    def has(self, run_id: str) -> bool:
        """Whether this process writes the run, or is about to."""
        return run_id in self._active or run_id in self.coming

    def enqueue(
        self,
        head: RunHead,
        kept: Mapping[str, bytes] | None = None,
        shown: Mapping[str, bytes] | None = None,
        outcome: Outcome | None = None,
    ) -> ActiveRun:
        """Own the run from now on and write it when its turn comes; returns at once.

        `kept` is text of an earlier epoch that is continued; `shown` is such text where the answer begins anew, in case
        the new one comes to nothing; with an `outcome` the run only has to be ended.
        """
        earlier = self._active.get(head.run_id)
        if earlier is not None:
            self.abandon(head.run_id, earlier.head.epoch)
        run = ActiveRun(head, kept or {}, self._broker, self.urgent, screen_for(self, self._app, head, kept or {}))
        run.outcome = outcome
        self._active[head.run_id] = run
        self._broker.open_run(head, kept or {})
        gevent.spawn(self._write, run, shown or {})
        return run

    def place_of(self, run_id: str) -> int | None:
        """The run's place in the queue, if it waits in this process."""
        return self._slots.place_of(run_id)

    def stop(self, run_id: str) -> None:
        """Stop the run if it is ours."""
        run = self._active.get(run_id)
        if run is not None:
            run.stop()
            self._slots.cancel(run_id)

    def abandon(self, run_id: str, epoch: int) -> None:
        """Another process owns this epoch's successor: stop asking the model, show and write nothing more."""
        run = self._active.get(run_id)
        if run is None or run.head.epoch != epoch or run.lost:
            return
        _lose(run)
        run.stop()
        self._slots.cancel(run_id)

    def drain(self) -> None:
        """The process ends: keep what was shown and leave the runs open, for another process to take up."""
        self._draining = True
        for run in self.active():
            run.frozen = True
        self.persist(self._let_go, for_s=self._settings.checkpoint_s * 3)
        for run in self.active():
            run.stop()

    def _let_go(self) -> None:
        ending.save_checkpoints(self.active())
        ending.release(self.owner)

    def write(self, write: Callable[[], T]) -> T:
        """Write to the database once, in an app context. Raises Unavailable while it is away."""
        with self._app.app_context(), database_faults():
            return write()

    def persist(self, write: Callable[[], T], for_s: float | None = None) -> T | None:
        """Write to the database in an app context, again and again while it is away; None once `for_s` has passed."""
        began_s, delay_s = clock.monotonic(), RETRY_FIRST_S
        while True:
            try:
                return self.write(write)
            except Unavailable as fault:
                if for_s is not None and clock.monotonic() - began_s > for_s:
                    return None
                log.warning("database_away", retry_in_s=delay_s, reason=str(fault.__cause__)[:REASON_CHARACTERS])
                gevent.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_LONGEST_S)

    def _write(self, run: ActiveRun, shown: Mapping[str, bytes]) -> None:
        try:
            self._generate_in_turn(run)
        except Problem as fault:
            run.settle(Outcome("failed", Fault(fault.code, fault.message, fault.retryable)))
        except Exception:
            # Whatever broke, an answer that was begun has to end, and its viewers are told.
            log.exception("run_broke", run_id=run.head.run_id)
            run.settle(Outcome("failed", INTERNAL))
        try:
            self._end(run, shown)
        except Exception:
            # It stays open in the database, where `strays` finds it; here nobody may wait for it any more.
            log.exception("run_not_ended", run_id=run.head.run_id)
            self._broker.drop_run(run.head.run_id, run.head.epoch)
        finally:
            if self._active.get(run.head.run_id) is run:
                del self._active[run.head.run_id]

    def _generate_in_turn(self, run: ActiveRun) -> None:
        if run.outcome is not None:
            return
        head = run.head
        with ExitStack() as waiting:
            waiting.enter_context(metrics.RUNS_QUEUED.track_inprogress())
            with self._slots.turn(head.run_id, head.user_id, partial(self._tell_place, run)) as has_turn:
                waiting.close()
                if not has_turn or run.outcome is not None:
                    return
                with metrics.RUNS_ACTIVE.track_inprogress():
                    self._generate(run)

    def _generate(self, run: ActiveRun) -> None:
        turns = self.persist(lambda: ending.begin_run(run.head), for_s=self._settings.llm_first_token_timeout_s)
        if turns is None:
            run.settle(Outcome("failed", INTERNAL))
            return
        prompt_for = self._budget(run)
        kept = run.texts["text"].decode()
        count = self._provider.count_tokens
        prompt = build_prompt(self._settings.llm_system_prompt, turns, prompt_for, count, kept)
        run.prompt_tokens = sum(count(turn.text) for turn in prompt.messages) + count(kept)
        self._tell_started(run)
        run.begin()
        delay_s = RETRY_FIRST_S
        while run.outcome is None:
            stream = self._provider.stream(prompt, run, self._deadlines.first_token_s)
            try:
                run.wait(self._deadlines)
            finally:
                stream.close()
            if clock.monotonic() - run.began_s > self._patience_s() or not run.retry():
                return
            run.rest(delay_s)
            delay_s = min(delay_s * 2, RETRY_LONGEST_S)

    def _patience_s(self) -> float:
        """How long a model that cannot be reached is tried again: the built-in one may just be starting."""
        if self._settings.llm_base_url is None:
            return self._deadlines.first_token_s
        return self._settings.llm_connect_timeout_s

    def _budget(self, run: ActiveRun) -> ContextBudget:
        settings = self._settings
        written = self._provider.count_tokens(run.texts["text"].decode())
        left = max(16, settings.llm_max_output_tokens - written)
        return ContextBudget(settings.llm_context_tokens - written, left, settings.llm_temperature)

    def _end(self, run: ActiveRun, shown: Mapping[str, bytes]) -> None:
        if self._draining or run.lost:
            return
        outcome = run.outcome or Outcome("failed", INTERNAL)
        if outcome.status != "completed" and run.size < sum(map(len, shown.values())):
            run = self._restore(run, shown) or run
        head = run.head

        def tell(completed: RunCompleted) -> None:
            self._broker.end_run(head.run_id, head.epoch, completed)

        ended = self.persist(lambda: ending.end_run(run, outcome, tell))
        if ended == "lost":
            _lose(run)
        else:
            _count(run, outcome)
        if ended == "told":
            self.on_ended(run, outcome)
        else:
            self._broker.drop_run(head.run_id, head.epoch)

    def _restore(self, run: ActiveRun, shown: Mapping[str, bytes]) -> ActiveRun | None:
        """The answer that began anew came to less than what had been shown: show that again, in an epoch of its own."""
        head = self.persist(lambda: ending.claim(run.head.run_id, run.head.epoch, self.owner))
        if head is None:
            return None
        self._broker.open_run(head, shown)
        return ActiveRun(head, shown, self._broker, self.urgent)

    def _tell_place(self, run: ActiveRun, place: int) -> None:
        head = run.head
        self._broker.publish(
            head.user_id, head.session_id, RunQueued(head.session_id, head.run_id, head.message_id, place)
        )

    def _tell_started(self, run: ActiveRun) -> None:
        head = run.head
        started = RunStarted(head.session_id, head.run_id, head.message_id, head.epoch, self.model)
        self._broker.publish(head.user_id, head.session_id, started)


def _lose(run: ActiveRun) -> None:
    """The run belongs to another process, which tells and counts how it ends; whatever it came to here is no end."""
    if run.lost:
        return
    run.frozen = run.lost = True
    metrics.RUNS_ABANDONED.inc()
    log.warning("run_lost", run_id=run.head.run_id, epoch=run.head.epoch)


def _count(run: ActiveRun, outcome: Outcome) -> None:
    metrics.RUNS.labels(outcome.status).inc()
    metrics.DELTAS.inc(run.deltas)
    fault = outcome.fault.code if outcome.fault else None
    if fault:
        metrics.PROVIDER_ERRORS.labels(fault).inc()
    log.info("run_ended", run_id=run.head.run_id, status=outcome.status, fault=fault, bytes=run.size)


def _nothing(run: ActiveRun, outcome: Outcome) -> None:
    """Nobody wants to know."""
