"""Stands where the hub stands and writes down what a broker delivers; it closes and sends nothing."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Flask

from zgpt.realtime.live import RunHead
from zgpt.realtime.protocol import RunCompleted


class Recorder:
    """A sink of the app's own broker. `events` are (user, session, event), `revoked` are (user, login, close code)."""

    def __init__(self, app: Flask) -> None:
        self.events: list[tuple[str, str | None, dict[str, Any]]] = []
        self.revoked: list[tuple[str, str | None, int]] = []
        app.extensions["realtime"].broker.attach(self)

    def event_published(self, user_id: str, session_id: str | None, payload: bytes) -> None:
        self.events.append((user_id, session_id, json.loads(payload)))

    def login_revoked(self, user_id: str, login_id: str | None, code: int) -> None:
        self.revoked.append((user_id, login_id, code))

    def run_opened(self, head: RunHead, kept: Mapping[str, bytes]) -> None:
        """Not of interest here."""

    def text_appended(self, run_id: str, epoch: int, part: str, at: int, data: bytes) -> None:
        """Not of interest here."""

    def run_ended(self, run_id: str, epoch: int, end: RunCompleted) -> None:
        """Not of interest here."""

    def stop_requested(self, run_id: str) -> None:
        """Not of interest here."""
