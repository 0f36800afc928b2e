"""An app whose model says what a test scripted, a person who uses it, and what they see."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import gevent
import pytest
from flask import Flask

from tests.conftest import MakeApp
from tests.support.delivery import Link, member
from tests.support.people import Person, sign_up
from zgpt.chat.models import ChatSession
from zgpt.core.db import db
from zgpt.llm.scripted import ScriptedProvider
from zgpt.realtime.hub import Hub
from zgpt.runs import actions
from zgpt.runs.models import Run
from zgpt.runs.runner import Runner
from zgpt.runs.setup import init_runs

T = TypeVar("T")
WAIT_S = 10.0


class Chat:
    """One app, its scripted model and one person."""

    def __init__(self, app: Flask, provider: ScriptedProvider) -> None:
        self.app, self.provider = app, provider
        self.person: Person = sign_up(app)

    @property
    def hub(self) -> Hub:
        hub: Hub = self.app.extensions["realtime"].hub
        return hub

    @property
    def runner(self) -> Runner:
        runner: Runner = self.app.extensions["runs"]
        return runner

    def do(self, act: Callable[..., T], *args: Any) -> T:
        """Call it in an app context of its own, as a command is."""
        with self.app.app_context():
            return act(*args)

    def send(self, text: str = "Hi", session_id: str | None = None, client_id: str | None = None) -> actions.Sent:
        return self.do(actions.send_message, self.person.id, session_id, client_id or new_name(), text)

    def ask(self, text: str = "Hi", session_id: str | None = None) -> actions.Sent:
        """Send, and wait for the end of the answer."""
        sent = self.send(text, session_id)
        self.settle()
        return sent

    def view(self, session_id: str, user_id: str | None = None) -> Link:
        """A page that has the session open."""
        link = Link()
        joined = member(self.hub, link, user_id or self.person.id)
        self.hub.hold(joined, session_id)
        self.hub.release(joined, session_id, self.row(ChatSession, session_id).revision, {})
        return link

    def device(self) -> Link:
        """A page of the person that has no session open."""
        link = Link()
        member(self.hub, link, self.person.id)
        return link

    def run(self, run_id: str) -> Run:
        """The run as it is stored now."""
        with self.app.app_context():
            return db.session.get_one(Run, run_id, populate_existing=True)

    def row(self, model: type[T], row_id: str) -> T:
        with self.app.app_context():
            return db.session.get_one(model, row_id, populate_existing=True)

    def wait(self, holds: Callable[[], object]) -> None:
        """Let others run until it holds; TimeoutError when it does not."""
        with gevent.Timeout(WAIT_S, TimeoutError("it did not come to hold")):
            while not holds():
                gevent.sleep(0.005)

    def settle(self) -> None:
        """Wait until no run is being written."""
        self.wait(lambda: not self.runner.active())


MakeChat = Callable[..., Chat]


def new_name() -> str:
    """A client_id."""
    return str(uuid.uuid4())


@pytest.fixture
def make_chat(make_app: MakeApp) -> MakeChat:
    """``make_chat(LLM_TITLES="true")``; titles are off unless asked for."""

    def make(provider: ScriptedProvider | None = None, **env: str) -> Chat:
        app = make_app(**{"LLM_TITLES": "false", **env})
        provider = provider or ScriptedProvider()
        init_runs(app, app.config["ZGPT"], app.extensions["realtime"], provider)
        return Chat(app, provider)

    return make


@pytest.fixture
def chat(make_chat: MakeChat) -> Chat:
    """On SQLite."""
    return make_chat()


@pytest.fixture
def any_chat(make_chat: MakeChat, db_url: str) -> Chat:
    """Once on SQLite, once on PostgreSQL."""
    return make_chat(DATABASE_URL=db_url)
