"""What somebody lacks of a session, as `session.open` and its twin over REST say it. Who views what is not here."""

from __future__ import annotations

from typing import Any

from zgpt.chat.cursors import encode_message_cursor
from zgpt.chat.models import ChatSession
from zgpt.chat.schemas import session_json
from zgpt.runs.models import Run
from zgpt.runs.queries import Changes
from zgpt.runs.runner import current_runner
from zgpt.runs.schemas import written_json

Json = dict[str, Any]


def opened_json(session: ChatSession, changes: Changes) -> Json:
    """The result of `session.open` (docs/protocol.md)."""
    return {
        "session": session_json(session),
        "revision": changes.revision,
        "messages": [written_json(message, run) for message, run in changes.messages],
        "deleted": changes.deleted,
        "runs": [_live_json(run) for run in changes.open_runs],
        "more": changes.more,
        "before": _older_cursor(changes),
    }


def _live_json(run: Run) -> Json:
    place = current_runner().place_of(run.id)
    return {"run_id": run.id, "message_id": run.message_id, "status": run.status, "epoch": run.epoch, "place": place}


def _older_cursor(changes: Changes) -> str | None:
    """For who held nothing: where the older messages begin that had no room, as `before` of their REST page."""
    if not changes.more or not changes.messages:
        return None
    return encode_message_cursor(changes.messages[0][0].id)
