"""What somebody lacks of a session, as `session.open` and its twin over REST say it. Who views what is not here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zgpt.chat.cursors import encode_message_cursor
from zgpt.chat.models import ChatSession
from zgpt.chat.schemas import session_json
from zgpt.runs.models import Run
from zgpt.runs.queries import Changes, changes_since, open_runs
from zgpt.runs.runner import current_runner
from zgpt.runs.schemas import written_json

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session, what changed in it, and the runs that have not ended."""

    session: ChatSession
    changes: Changes
    runs: list[Run]


def open_since(session: ChatSession, revision: int) -> Opened:
    """What is newer than `revision`; for who holds nothing (0) the newest messages.

    The runs are read last: one that ends in between is missing here, and its end is a change that is still to be told.
    The other way round it would be told as live for ever.
    """
    changes = changes_since(session, revision)
    return Opened(session, changes, open_runs(session.id))


def opened_json(opened: Opened) -> Json:
    """The result of `session.open` (docs/protocol.md)."""
    changes = opened.changes
    return {
        "session": session_json(opened.session),
        "revision": changes.revision,
        "messages": [written_json(message, run) for message, run in changes.messages],
        "deleted": changes.deleted,
        "runs": [_live_json(run) for run in opened.runs],
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
