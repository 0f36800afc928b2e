"""Servers to attack: two workers with Redis between them, or one worker alone; and the people on them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.support.model_process import ModelServer
from tests.support.people import PASSWORD
from tests.support.served import served
from tests.support.server import Server
from tests.support.viewer import Viewer
from tests.support.workers import connect_beside, worker_of

AUTH = "/api/v1/auth"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the JSON is empty where there was none, `cookie` is the refresh token that was set."""

    status: int
    json: Json
    cookie: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Browser:
    """One device of a person on a running server, with the two cookies that a browser would keep."""

    server: Server
    email: str = field(default_factory=lambda: f"{uuid.uuid4().hex[:12]}@example.org")
    token: str = ""
    refresh_token: str = ""

    def ask(self, method: str, path: str, body: Json | None = None, **headers: str) -> Answer:
        """One request on a connection of its own, which any worker may take."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        own = {"Connection": "close", **({"Authorization": f"Bearer {self.token}"} if self.token else {}), **headers}
        try:
            payload = None if body is None else json.dumps(body)
            kind = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, payload, {**kind, **own})
            answer = connection.getresponse()
            data, fields = answer.read(), dict(answer.getheaders())
            return Answer(answer.status, json.loads(data) if data else {}, _refresh_token(answer.getheaders()), fields)
        finally:
            connection.close()

    def sign_up(self) -> Browser:
        return self._enter("signup", 201)

    def sign_in(self, password: str = PASSWORD) -> Browser:
        return self._enter("login", 200, password)

    def refresh(self, token: str = "") -> Answer:
        """Use a refresh token, this browser's own or another."""
        return self.ask("POST", f"{AUTH}/refresh", Cookie=f"zgpt_refresh={token or self.refresh_token}")

    def viewer(self) -> Viewer:
        return Viewer(self.server.url, self.token)

    def _enter(self, path: str, status: int, password: str = PASSWORD) -> Browser:
        answer = self.ask("POST", f"{AUTH}/{path}", {"email": self.email, "password": password})
        assert answer.status == status, answer
        self.token, self.refresh_token = str(answer.json["access_token"]), answer.cookie
        return self


@dataclass(frozen=True, slots=True)
class House:
    """A running server and its model."""

    server: Server
    model: ModelServer

    def browser(self, email: str = "") -> Browser:
        return Browser(self.server, email) if email else Browser(self.server)

    def on_two_workers(self, first: Viewer, second: Viewer) -> None:
        """Connect both, each to a worker of its own."""
        first.connect()
        connect_beside(self.server, second, {worker_of(self.server, first)})


@contextmanager
def house(folder: Path, template: Path, **settings: str) -> Iterator[House]:
    """A server that ends with the block; its log is shown when the test fails."""
    with served(folder, template, **settings) as (server, model):
        yield House(server, model)


def _refresh_token(headers: list[tuple[str, str]]) -> str:
    cookies = [value for name, value in headers if name.lower() == "set-cookie" and value.startswith("zgpt_refresh=")]
    return cookies[0].partition("=")[2].partition(";")[0] if cookies else ""
