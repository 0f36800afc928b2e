"""A viewer that obeys the client rules: opens, applies, asks again, comes back after a drop with what it holds."""

from __future__ import annotations

import random
import time
from typing import Any

from tests.support.transcript import Transcript
from tests.support.ws_client import Client, Closed, HandshakeRefused

RETRY_S = 0.1
DO_NOT_COME_BACK = range(4500, 5000)
Frame = dict[str, Any]


class Viewer:
    """One person's look at one session, over as many connections as it takes."""

    client_class = Client

    def __init__(self, url: str, token: str, session_id: str | None = None, *, receive_buffer: int = 0) -> None:
        self.url, self.token = url, token
        self.transcript = Transcript(session_id=session_id)
        self.client: Client | None = None
        self.asked_again = 0
        self.connections = 0
        self.closes: list[int] = []
        self._receive_buffer = receive_buffer

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def online(self) -> Client:
        """The live connection."""
        assert self.client is not None, "not connected"
        return self.client

    def connect(self) -> Client:
        """A new connection that has said hello, in place of the old one."""
        self.close()
        self.client = self.client_class(self.url, receive_buffer=self._receive_buffer).connect()
        self.connections += 1
        self.client.hello(self.token)
        return self.client

    def close(self) -> None:
        """Leaves; never raises."""
        if self.client is not None:
            self.client.close()

    def open(self) -> None:
        """Session.open with what is held. Text that arrives before the answer will come again after it, so it waits."""
        transcript = self.transcript
        result = self.online.command(
            "session.open",
            session_id=transcript.session_id,
            revision=transcript.revision,
            holds=transcript.holds(),
        )
        for event in self.online.take_events():
            if event["type"] != "run.delta":
                transcript.apply(event)
        transcript.opened(result)
        if result.get("more"):
            self.open()

    def ask(self, text: str, client_id: str) -> Frame:
        """Message.send; in a new session where none is open yet. Returns the ids."""
        sent = self.online.command(
            "message.send", session_id=self.transcript.session_id, client_id=client_id, text=text
        )
        self.transcript.session_id = sent["session_id"]
        return sent

    def come_back(self, timeout_s: float = 10.0) -> None:
        """Connects and opens, again and again until the server takes it; TimeoutError when it does not."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self.connect()
                return self.open()
            except (Closed, HandshakeRefused, OSError) as fault:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the server took nobody back within {timeout_s} s: {fault}") from fault
                # The wait of a client before it tries again, which is part of what is tested.
                time.sleep(RETRY_S * random.uniform(0.5, 1.0))

    def follow(self, run_id: str, timeout_s: float) -> bool:
        """Applies events until the run has ended (True) or the time is over (False); raises Closed."""
        deadline = time.monotonic() + timeout_s
        while run_id not in self.transcript.completed:
            try:
                event = self.online.event(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return False
            if self._apply(event):
                self.asked_again += 1
                self.open()
        return True

    def _apply(self, event: Frame) -> bool:
        """Show it; whether the session has to be asked for again."""
        return self.transcript.apply(event)

    def see_the_end(self, run_id: str, timeout_s: float) -> None:
        """Follows to the end of the run, coming back as often as the server ends the connection."""
        deadline = time.monotonic() + timeout_s
        while run_id not in self.transcript.completed:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"run {run_id} has not ended within {timeout_s} s")
            self._follow_or_return(run_id, remaining)

    def _follow_or_return(self, run_id: str, timeout_s: float) -> None:
        try:
            self.follow(run_id, timeout_s)
        except Closed as closed:
            if closed.code in DO_NOT_COME_BACK:
                raise
            self.closes.append(closed.code)
            self.come_back(timeout_s)
