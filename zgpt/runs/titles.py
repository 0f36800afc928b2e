"""Names a session after its first exchange: asks the model, and falls back to the question's own words."""

from __future__ import annotations

import re
import unicodedata

import gevent
import structlog
from flask import Flask
from sqlalchemy import select

from zgpt.chat.actions import announce, set_title
from zgpt.chat.models import ChatSession, Message
from zgpt.core.db import db, transaction
from zgpt.core.errors import NotFound, Unavailable
from zgpt.llm.base import Prompt, Provider, ProviderError, Turn
from zgpt.llm.complete import complete
from zgpt.llm.slots import Slots
from zgpt.runs.active import ActiveRun, Outcome
from zgpt.runs.moderated import judge_title

ASK = "Give this conversation a title of two to six words. Answer with the title only."
TITLE_CHARS = 60
EXCERPT_CHARS = 400
"""Of the question and of the answer: reading a prompt is what a small machine is slow at."""
TITLE_TOKENS = 16
DEADLINE_S = 20.0

log = structlog.get_logger(__name__)


class Titler:
    """Called when a run has ended; works in a greenlet of its own, so that nothing waits for a name."""

    def __init__(self, app: Flask, provider: Provider, slots: Slots) -> None:
        self._app = app
        self._provider = provider
        self._slots = slots

    def run_ended(self, run: ActiveRun, outcome: Outcome) -> None:
        if outcome.status == "completed" and run.texts["text"]:
            gevent.spawn(self._name, run.head.session_id, run.head.user_id, run.head.run_id)

    def _name(self, session_id: str, user_id: str, run_id: str) -> None:
        try:
            with self._app.app_context():
                exchange = _first_exchange(session_id)
            if exchange is None:
                return
            title = self._ask(user_id, run_id, *exchange) or title_of_question(exchange[0])
            with self._app.app_context():
                _store(session_id, title)
        except (Unavailable, NotFound):
            log.info("title_put_off", session_id=session_id)
        except Exception:
            # Only a title: the session keeps the one that it has.
            log.exception("title_failed", session_id=session_id)

    def _ask(self, user_id: str, run_id: str, question: str, answer: str) -> str:
        turns = (
            Turn("user", question[:EXCERPT_CHARS]),
            Turn("assistant", answer[:EXCERPT_CHARS]),
            Turn("user", ASK),
        )
        prompt = Prompt(turns, TITLE_TOKENS, 0.0)
        with self._slots.turn(f"title:{run_id}", user_id, _nothing) as has_turn:
            if not has_turn:
                return ""
            try:
                said = clean_title(complete(self._provider, prompt, DEADLINE_S))
            except ProviderError:
                return ""
        return judge_title(self._app, user_id, said)


def clean_title(said: str) -> str:
    """What a model said, as a title; empty when it is none: several lines of prose, or nothing."""
    line = next((line for line in said.splitlines() if line.strip()), "")
    line = re.sub(r"^\s*(?:title\s*[:\-]\s*|#+\s*)", "", line, flags=re.IGNORECASE)
    line = "".join(char for char in line if unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"})
    line = line.strip(" \t\"'*_`“”«».")
    # A small model talks about the title instead of giving one.
    talks = line.endswith(":") or "title" in line.lower() or "conversation" in line.lower()
    return line if 1 < len(line) <= TITLE_CHARS and not talks else ""


def title_of_question(question: str) -> str:
    """The question's first words, whole ones where there is a space to cut at."""
    line = " ".join("".join(char if char.isprintable() else " " for char in question).split())
    if len(line) <= TITLE_CHARS:
        return line
    return line[: TITLE_CHARS - 1].rsplit(" ", 1)[0] + "…"


def _first_exchange(session_id: str) -> tuple[str, str] | None:
    session = db.session.get(ChatSession, session_id)
    if session is None or session.deleted_at is not None or session.title_source != "none":
        return None
    rows = select(Message).where(Message.session_id == session_id, Message.text != "").order_by(Message.id).limit(2)
    first = list(db.session.scalars(rows))
    return (first[0].text, first[1].text) if len(first) == 2 else None


def _store(session_id: str, title: str) -> None:
    with transaction() as after:
        session = db.session.get(ChatSession, session_id)
        if session is None or session.deleted_at is not None or session.title_source != "none" or not title:
            return
        if set_title(session, title, "model"):
            announce(session, after)


def _nothing(place: int) -> None:
    """Nobody waits for a title."""
