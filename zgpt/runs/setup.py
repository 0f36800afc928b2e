"""Gives an app its provider, its slots and its runner, and starts what works in the background; no rules of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

import gevent
import structlog
from flask import Flask

from zgpt.auth.signals import account_deleting, account_disabling
from zgpt.chat.models import ChatSession, Message
from zgpt.chat.signals import messages_showing, session_deleting
from zgpt.core.config import Settings
from zgpt.core.db import Collector
from zgpt.llm.base import Provider
from zgpt.llm.factory import provider_from
from zgpt.llm.slots import Slots
from zgpt.realtime import liveness
from zgpt.realtime.broker_redis import RedisBroker
from zgpt.realtime.handover_folder import folder_of
from zgpt.realtime.hub import Hub
from zgpt.realtime.server import Realtime
from zgpt.runs import alone, ending
from zgpt.runs.actions import stop_all
from zgpt.runs.active import ActiveRun
from zgpt.runs.checkpoints import Checkpointer
from zgpt.runs.missed import Missed
from zgpt.runs.ownership import Ownership
from zgpt.runs.queries import open_runs, open_runs_of_user, runs_of
from zgpt.runs.runner import Runner
from zgpt.runs.schemas import Json, run_json
from zgpt.runs.strays import Strays
from zgpt.runs.takeover import Takeover
from zgpt.runs.titles import Titler

WAITING_RUNS = 1_000
"""Above this nobody would see an answer within minutes; saying so at once is kinder than a place in such a queue."""

log = structlog.get_logger(__name__)


def init_runs(app: Flask, settings: Settings, realtime: Realtime, provider: Provider | None = None) -> None:
    """Make the runner of this app; nothing runs yet, so that commands and migrations may make an app too."""
    provider = provider or provider_from(settings)
    slots = Slots(settings.llm_concurrency_here, WAITING_RUNS)
    runner = Runner(app, provider, realtime.broker, settings, slots)
    if settings.llm_titles:
        runner.on_ended = Titler(app, provider, slots).run_ended
    realtime.hub.on_stop = runner.stop
    app.extensions["runs"] = runner
    app.extensions["provider"] = provider

    broker = realtime.broker
    ownership = None
    if isinstance(broker, RedisBroker):
        ownership = Ownership(runner, broker.lease.confirm, broker.abandon, lambda: broker.away)

    def save(runs: list[ActiveRun]) -> None:
        if not runner.write(lambda: ending.save_checkpoints(runs)) and ownership is not None:
            ownership.check()

    app.extensions["checkpointer"] = Checkpointer(runner.active, save, runner.urgent, settings.checkpoint_s)
    if ownership is not None and isinstance(broker, RedisBroker):
        broker.on_fenced, broker.lease.on_doubt = ownership.abandon, ownership.check
        app.extensions["ownership"] = ownership
        dead = partial(liveness.dead, folder_of(settings.instance_dir))
        app.extensions["takeover"] = Takeover(runner, provider, broker, dead)


def start_runs(app: Flask) -> None:
    """In the process that serves: take up what a dead one left, and keep checkpoints from now on."""
    realtime: Realtime = app.extensions["realtime"]
    if isinstance(realtime.broker, RedisBroker):
        _start_together(app, realtime.broker, realtime.hub)
    else:
        alone.start(app)
        _watch(app)
    gevent.spawn(app.extensions["checkpointer"].run)


def _start_together(app: Flask, broker: RedisBroker, hub: Hub) -> None:
    """One of several processes: listen to the others, watch over what is ours, and over what becomes nobody's."""
    liveness.hold(folder_of(app.config["ZGPT"].instance_dir), broker.process_id)
    ear, takeover = broker.start(), app.extensions["takeover"]
    # Other processes name it in `run_taken`: who reads logs has to find out which one that was.
    log.info("process_joined", process_id=broker.process_id, pid=os.getpid())
    missed = Missed(app, hub, ear.silent)
    ear.on_missed, ear.on_released = missed.catch_up, takeover.wake
    _watch(app, app.extensions["ownership"], takeover, missed)


def _watch(app: Flask, *others: Ownership | Takeover | Missed) -> None:
    """What looks around for as long as the process lives."""
    strays = Strays(app.extensions["runs"], app.extensions["provider"])
    app.extensions["runs_watchers"] = (strays, *others)
    for watcher in app.extensions["runs_watchers"]:
        gevent.spawn(watcher.run)


def stop_taking_runs(app: Flask) -> None:
    """The process will end soon: what others let go is for those that stay."""
    if takeover := app.extensions.get("takeover"):
        takeover.stop()


def take_released_runs(app: Flask) -> None:
    """Another process has let go of its runs."""
    if takeover := app.extensions.get("takeover"):
        takeover.wake()
    else:
        alone.take_up_released(app)


def stop_runs(app: Flask) -> None:
    """The process ends: keep what was shown, leave the runs to the next one, or to another one at once."""
    for watcher in app.extensions.get("runs_watchers", ()):
        watcher.stop()
    app.extensions["checkpointer"].stop()
    app.extensions["runs"].drain()
    broker = app.extensions["realtime"].broker
    if isinstance(broker, RedisBroker):
        broker.close()


def _stop_runs_of_session(session: ChatSession, after: Collector) -> None:
    stop_all(open_runs(session.id), after)


def _stop_runs_of_user(user_id: str, after: Collector) -> None:
    stop_all(open_runs_of_user(user_id), after)


def _runs_by_message(messages: list[Message]) -> Mapping[str, Json]:
    return {message_id: run_json(run) for message_id, run in runs_of(messages).items()}


session_deleting.connect(_stop_runs_of_session)
account_deleting.connect(_stop_runs_of_user)
account_disabling.connect(_stop_runs_of_user)
messages_showing.connect(_runs_by_message)
