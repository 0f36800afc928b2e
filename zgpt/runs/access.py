"""The only way from an id to a run: the object if it is the owner's, else NotFound. Lists are in `queries`."""

from functools import cache

from sqlalchemy import Select, bindparam, select

from zgpt.chat.access import Owner, user_id_of
from zgpt.chat.models import ChatSession
from zgpt.core.db import db
from zgpt.core.errors import NotFound
from zgpt.core.ids import parse_id
from zgpt.runs.models import Run


def access_run(owner: Owner, run_id: str) -> Run:
    """The owner's run in a live session. NotFound is the same for no id, a deleted session, and another user's."""
    try:
        known_id = parse_id(run_id)
    except ValueError:
        raise NotFound from None
    run = db.session.scalar(_live_run(), {"wanted_id": known_id, "owner_id": user_id_of(owner)})
    if run is None:
        raise NotFound
    return run


@cache
def _live_run() -> Select[Run]:
    """Made once: building it takes longer than running it."""
    mine = select(Run).where(Run.id == bindparam("wanted_id"), Run.user_id == bindparam("owner_id"))
    return mine.join(ChatSession, ChatSession.id == Run.session_id).where(ChatSession.deleted_at.is_(None))
