"""Puts an export together: what is asked for (`queries`), in which form (`formats`), as a stream of bounded pieces."""

from collections.abc import Callable, Iterable, Iterator

from zgpt.core import clock
from zgpt.core.db import Base
from zgpt.core.errors import NotFound
from zgpt.privacy import queries
from zgpt.privacy.belongings import exported_flatly
from zgpt.privacy.formats import Belongings, Format, Row, pieces

PIECE_BYTES = 32_768
"""Small pieces are gathered: each one is a write on the socket."""
LOOK_EVERY_S = 1.0


class NoLonger(Exception):
    """Whoever asked may not see the rest: the answer breaks off, so that nobody takes a part for the whole."""


def belongings_of(user_id: str) -> Belongings:
    """All that is a user's, to be read as it is written out. NotFound without an account."""
    account = queries.account_of(user_id)
    if account is None:
        raise NotFound
    lists: dict[str, Iterable[Row]] = {
        table.name: queries.rows_of(table, user_id) for table in exported_flatly(Base.metadata)
    }
    lists["audit_events"] = queries.audit_of(user_id)
    return Belongings(clock.now(), account, lists, queries.sessions_of(user_id), queries.messages_of)


def stream(form: Format, belongings: Belongings, may_go_on: Callable[[], bool]) -> Iterator[bytes]:
    """The file in pieces of some 32 KiB. Raises NoLonger once `may_go_on`, asked every second, says so."""
    gathered, size, looked_s = [], 0, clock.monotonic()
    for piece in pieces(form, belongings):
        data = piece.encode("utf-8", "replace")
        gathered.append(data)
        size += len(data)
        if clock.monotonic() - looked_s >= LOOK_EVERY_S:
            looked_s = clock.monotonic()
            if not may_go_on():
                raise NoLonger
        if size >= PIECE_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)
