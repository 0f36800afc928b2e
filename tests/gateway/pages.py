"""A page with a real socket to a gateway in this process, so that its connection can be moved like one of a server."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

from gevent.event import Event

from tests.realtime.lines import Line
from tests.runs.conftest import Chat
from tests.support import ws_frames
from tests.support.transcript import Transcript
from zgpt.gateway.client import Client
from zgpt.gateway.handover import Handover
from zgpt.llm.scripted import Hold
from zgpt.realtime.connection import Connection
from zgpt.realtime.handover import Arrival
from zgpt.realtime.loop import Engine
from zgpt.runs.actions import Sent

Frame = dict[str, Any]


class Page:
    """A page with a real socket, which keeps the client rules."""

    def __init__(self, chat: Chat, *, hello: bool = True) -> None:
        self.chat = chat
        with chat.app.app_context():
            self.engine: Engine = chat.app.extensions["sock"].engine
        self.line = Line(self.engine, told=chat.app.extensions["gateway"])
        self.conn: Connection = self.line.conn
        self.transcript = Transcript()
        if hello:
            assert self.ask("hello", token=chat.person.access_token)["type"] == "ok"

    @property
    def client(self) -> Client:
        assert isinstance(self.conn.state, Client)
        return self.conn.state

    def send(self, kind: str, **fields: Any) -> str:
        name = str(uuid.uuid4())
        self.line.send(ws_frames.TEXT, json.dumps({"type": kind, "id": name, **fields}).encode())
        return name

    def event(self) -> Frame:
        opcode, payload = self.line.receive()
        assert opcode == ws_frames.TEXT, (opcode, payload)
        event: Frame = json.loads(payload)
        return event

    def ask(self, kind: str, **fields: Any) -> Frame:
        name = self.send(kind, **fields)
        while (event := self.event()).get("id") != name:
            self.transcript.apply(event)
        return event

    def open(self, session_id: str) -> None:
        answer = self.ask("session.open", session_id=session_id, revision=self.transcript.revision)
        self.transcript.opened(answer["result"])

    def read_until(self, kind: str) -> list[str]:
        """Apply events up to one of this kind; the types of all."""
        types: list[str] = []
        while kind not in types:
            event = self.event()
            types.append(event["type"])
            if self.transcript.apply(event):
                types.append("asks again")
        return types

    def block(self) -> None:
        """Be told more than the kernel keeps for somebody who does not read."""
        while not self.conn.blocked:
            self.conn.offer(b'{"type":"ok","id":"%s","result":{}}' % (b"x" * 100_000))

    def closed_with(self) -> int:
        return self.line.receive_close()

    def close(self) -> None:
        self.line.peer.close()
        self.conn.let_go()


def freeze(handover: Handover, page: Page) -> Arrival:
    """It has left the one process and is on its way."""
    state = handover.freeze(page.conn)
    parcel = page.conn.freeze(state)
    fd = os.dup(page.conn.fd)
    page.conn.let_go()
    page.conn = Connection.adopt(page.engine, fd, parcel)
    return page.conn, parcel.state


def held_answer(chat: Chat, page: Page) -> tuple[Event, Sent]:
    """An answer that stands still after its first word, which the page has read."""
    gate = Event()
    chat.provider.script("one ", Hold(gate), "two ", "three")
    sent = chat.send()
    page.open(sent.session_id)
    while not page.transcript.text(sent.run_id):
        page.transcript.apply(page.event())
    return gate, sent
