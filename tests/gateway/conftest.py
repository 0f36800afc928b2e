"""The gateway of an app in this process with sockets that are none, and a real server for real sockets."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gevent
import pytest

from tests.runs.conftest import Chat, MakeChat, any_chat, chat, make_chat
from tests.support.delivery import Link
from tests.support.model_process import ModelServer
from tests.support.served import served
from tests.support.server import Server
from tests.support.visitor import Visitor, visit
from tests.support.ws_client import Client
from zgpt.gateway.client import Client as GatewayClient
from zgpt.gateway.handler import Gateway
from zgpt.gateway.handover import Handover
from zgpt.realtime.connection import Connection

if TYPE_CHECKING:
    from tests.gateway.pages import Page

__all__ = ["Chat", "Desk", "House", "MakeChat", "Socket", "any_chat", "chat", "make_chat"]
Frame = dict[str, Any]


class Socket(Link):
    """A connection as the gateway sees it, and the client at its other end."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__()
        self.id, self.state, self.closed = "connection", cast("object", None), False
        self._gateway = gateway
        self._ids = itertools.count(1)
        gateway.on_open(self.as_connection)

    @property
    def as_connection(self) -> Connection:
        return cast("Connection", self)

    @property
    def client(self) -> GatewayClient:
        return cast("GatewayClient", self.state)

    def close(self, code: int, reason: str = "") -> None:
        if not self.closed:
            super().close(code, reason)
            self.closed = True
            gevent.get_hub().loop.run_callback(self._gateway.on_close, self.as_connection, code)

    def offer(self, payload: bytes) -> bool:
        return not self.closed and super().offer(payload)

    def receive(self, data: bytes) -> None:
        """A text frame came."""
        self._gateway.on_text(self.as_connection, data)

    def send(self, kind: str, **fields: Any) -> str:
        """Send a command; its id."""
        command_id = str(next(self._ids))
        self.receive(json.dumps({"type": kind, "id": command_id, **fields}).encode())
        return command_id

    def ask(self, kind: str, **fields: Any) -> Frame:
        """Send a command and wait for its answer, ok or error."""
        return self.answer(self.send(kind, **fields))

    def answer(self, command_id: str | None) -> Frame:
        return self.wait_for(lambda event: event["type"] in {"ok", "error"} and event["id"] == command_id)

    def event(self, kind: str) -> Frame:
        return self.wait_for(lambda event: event["type"] == kind)

    def wait_for(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The first frame of all that is like this."""
        with gevent.Timeout(10, TimeoutError(f"not among {self.seen}")):
            while not (found := [event for event in self.seen if wanted(event)]):
                gevent.sleep(0.002)
        return found[0]


class Desk:
    """The chat of one person, and the gateway in front of it."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    @property
    def gateway(self) -> Gateway:
        gateway: Gateway = self.chat.app.extensions["gateway"]
        return gateway

    def socket(self) -> Socket:
        return Socket(self.gateway)

    def connect(self, token: str | None = None) -> Socket:
        """A connection that has said hello."""
        socket = self.socket()
        answer = socket.ask("hello", token=token or self.chat.person.access_token)
        assert answer["type"] == "ok", answer
        return socket


@pytest.fixture
def desk(chat: Chat) -> Desk:
    return Desk(chat)


class House:
    """A real gunicorn with a scripted model server behind it, shared by the tests of a file."""

    def __init__(self, server: Server, model: ModelServer) -> None:
        self.server, self.model = server, model

    @property
    def url(self) -> str:
        return self.server.url

    def visit(self) -> Visitor:
        return visit(self.url)

    def connect(self, visitor: Visitor | None = None, **options: Any) -> Client:
        """A WebSocket on which nothing was said yet, or of somebody who has said hello."""
        client = Client(self.url, **options).connect()
        if visitor:
            client.say_hello(visitor.token)
        return client


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[House]:
    patience = {"LLM_CONNECT_TIMEOUT_S": "0.5", "LLM_FIRST_TOKEN_TIMEOUT_S": "1.5", "LLM_IDLE_TIMEOUT_S": "1.5"}
    settings = {"HELLO_TIMEOUT_S": "3", **patience}
    with served(tmp_path_factory.mktemp("house"), sqlite_template, **settings) as (server, model):
        yield House(server, model)


@pytest.fixture
def handover(chat: Chat) -> Handover:
    """The gateway's way in and out, for connections that change their process."""
    extensions = chat.app.extensions
    return Handover(chat.app, extensions["gateway"], extensions["realtime"], per_user=50)


@pytest.fixture
def page(chat: Chat) -> Iterator[Page]:
    """A page of the person, which has said hello over a real socket."""
    from tests.gateway.pages import Page

    made = Page(chat)
    yield made
    made.close()
