"""The state machine of the WebSocket fuzzer: one socket after the other, each of which must answer or be closed."""

from __future__ import annotations

import json
import socket
from collections import Counter
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.security.chats import Chat, new_name
from tests.support.fuzz import fragmented, nonsense, raw_frames, texts, whole_frames
from tests.support.ws_client import Client, Closed
from tests.support.ws_frames import BINARY, CLOSE, TEXT, encode
from zgpt.realtime import close_codes
from zgpt.realtime.parser import FrameError, FrameParser

ANSWER_S = 10.0
LIMIT_BYTES = 65_536
NAMED = {1002, 1003, 1005, 1006, 1007, 1009}
"""What broken frames end with; 1005 answers a close without a code, 1006 is the end of who only half closes."""


class Expectation:
    """What was sent, read as the server reads it: whether the next command must be answered."""

    def __init__(self) -> None:
        self._parser = FrameParser(LIMIT_BYTES)
        self.ends = False

    def feed(self, data: bytes) -> None:
        """Take what was sent."""
        if self.ends:
            return
        try:
            self._parser.feed(data)
            while event := self._parser.next_event():
                self.ends = self.ends or event[0] in {BINARY, CLOSE}
        except FrameError:
            self.ends = True

    @property
    def waits(self) -> bool:
        """Whether the server waits for the rest of a frame, or of a message in fragments."""
        return not self.ends and not self._parser.idle


class SocketFuzz(RuleBasedStateMachine):
    """`chat` is a conversation of whom the sockets belong to; `counts` tells what was done."""

    chat: ClassVar[Chat]
    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.client: Client
        self.sent = Expectation()
        self.polite = False
        """Whether this example sends only what is no reason to close: its sockets live long."""

    @initialize(known=st.sampled_from([True, True, True, False]), polite=st.booleans())
    def connect(self, known: bool, polite: bool) -> None:
        self.polite = polite
        self.connect_as(known)

    def connect_as(self, known: bool) -> None:
        self.client = Client(self.chat.owner.server.url).connect()
        self.counts["sockets"] += 1
        if known:
            self.client.hello(self.chat.owner.token)

    @precondition(lambda self: not self.sent.ends)
    @rule(said=st.lists(nonsense, min_size=1, max_size=6))
    def say_nonsense(self, said: list[bytes]) -> None:
        for text in said:
            self.send(encode(TEXT, text))

    @precondition(lambda self: not self.sent.ends and not self.polite)
    @rule(frames=st.lists(whole_frames, min_size=1, max_size=6))
    def say_frames(self, frames: list[bytes]) -> None:
        for frame in frames:
            self.send(frame)

    @precondition(lambda self: not self.sent.ends)
    @rule(data=fragmented)
    def say_in_fragments(self, data: bytes) -> None:
        self.send(data)

    @precondition(lambda self: not self.sent.ends and not self.polite)
    @rule(text=texts, cut=st.integers(1, 30))
    def say_in_small_writes(self, text: bytes, cut: int) -> None:
        frame = encode(TEXT, text)
        self.counts["frames"] += 1
        for at in range(0, len(frame), cut):
            self.write(frame[at : at + cut])

    @precondition(lambda self: not self.sent.ends and not self.polite)
    @rule(frame=raw_frames)
    def say_anything(self, frame: bytes) -> None:
        self.send(frame)

    @precondition(lambda self: not self.sent.ends and not self.sent.waits)
    @rule(kind=st.sampled_from(["open", "close", "send", "edit", "stop", "again", "ping"]), held=st.integers(0, 99))
    def say_a_right_command(self, kind: str, held: int) -> None:
        self.send(encode(TEXT, json.dumps(self.right_command(kind, held)).encode()))

    @precondition(lambda self: self.sent.ends)
    @rule()
    def begin_anew(self) -> None:
        self.teardown()
        self.sent = Expectation()
        self.connect_as(True)

    def right_command(self, kind: str, held: int) -> dict[str, Any]:
        chat = self.chat
        hold = {"run_id": chat.run_id, "part": "text", "epoch": held % 3, "offset": held}
        fields: dict[str, dict[str, Any]] = {
            "open": {"type": "session.open", "session_id": chat.session_id, "revision": held % 5, "holds": [hold]},
            "close": {"type": "session.close", "session_id": chat.session_id},
            "send": {"type": "message.send", "client_id": new_name(), "text": f"count:{held}"},
            "edit": {"type": "message.edit", "message_id": chat.message_id, "client_id": new_name(), "text": "Hi"},
            "stop": {"type": "run.stop", "run_id": chat.run_id},
            "again": {"type": "run.regenerate", "message_id": chat.answer_id},
            "ping": {"type": "ping"},
        }
        return {"id": str(held), **fields[kind]}

    def send(self, data: bytes) -> None:
        self.counts["frames"] += 1
        self.write(data)

    def write(self, data: bytes) -> None:
        if self.client.closed:
            return
        self.sent.feed(data)
        try:
            self.client.send_bytes(data)
        except Closed:
            assert self.sent.ends, "closed without a reason"

    def teardown(self) -> None:
        """The socket answers, or has been closed with a code that may be sent."""
        try:
            self.finish()
        finally:
            self.client.close()

    def finish(self) -> None:
        if self.client.closed is None and not self.sent.ends and not self.sent.waits:
            self.client.send({"type": "ping", "id": "alive"})
            # With too many commands behind it the answer is a refusal, which is one too.
            assert any(event.get("id") == "alive" for event in self.client.events(ANSWER_S)), self.client.closed
            self.counts["answered"] += 1
            return
        if self.client.closed is None and self.sent.waits:
            # Half a frame is no fault: the server goes on waiting, until nothing more can come.
            self.client._open().shutdown(socket.SHUT_WR)
        code = (self.client.closed or self.client.wait_closed(ANSWER_S)).code
        self.counts[f"closed {code if code in NAMED else 'with a code of ours'}"] += 1
        assert code in NAMED or close_codes.is_sendable(code)
