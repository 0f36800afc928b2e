"""A PostgreSQL with the settings of one whose data matters, and a house full of conversations to fill it with.

Rows are made inside the database: what is measured is the way back, not how they came in. Texts are words without sense
that compress about as well as prose does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from tests.support.postgres import PostgresServer

PER_SESSION: Final = 10
SESSIONS_PER_PERSON: Final = 10
DURABLE: Final = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")

_PEOPLE: Final = """
    INSERT INTO users (id, kind, email, name, role, revision, created_at)
    SELECT md5('u' || i)::uuid, 'user', 'person' || i || '@example.org', 'Person ' || i, 'member', 1, now()
    FROM generate_series(0, {people} - 1) i"""
_SESSIONS: Final = """
    INSERT INTO chat_sessions
        (id, user_id, title, title_source, revision, user_revision, created_at, updated_at)
    SELECT md5('s' || i)::uuid, md5('u' || i % {people})::uuid, 'About ' || md5(i::text), 'model', 10, 1, now(), now()
    FROM generate_series(0, {sessions} - 1) i"""
_MESSAGES: Final = """
    INSERT INTO messages (id, session_id, role, text, reasoning, revision, created_at)
    SELECT md5('m' || i)::uuid, md5('s' || i / {per_session})::uuid,
        CASE i % 2 WHEN 0 THEN 'user' ELSE 'assistant' END,
        (SELECT string_agg(substr(md5((i * 100 + word)::text), 1, 7), ' ')
            FROM generate_series(1, CASE i % 2 WHEN 0 THEN 25 ELSE 250 END) word),
        '', i % {per_session}, now()
    FROM generate_series(0, {messages} - 1) i"""
_RUNS: Final = """
    INSERT INTO runs (id, message_id, session_id, user_id, status, epoch, deaths, text_kept, reasoning_kept,
        created_at, ended_at)
    SELECT md5('r' || m.id)::uuid, m.id, m.session_id, s.user_id, 'completed', 1, 0, '', '', now(), now()
    FROM messages m JOIN chat_sessions s ON s.id = m.session_id
    WHERE m.role = 'assistant' AND m.model IS NULL AND s.title LIKE 'About %'"""
_DIGEST: Final = "SELECT count(*), sum(hashtextextended(one::text, 0)::numeric) FROM {table} one"


class DurableServer(PostgresServer):
    """One that writes to the disk before it says so, as a server with people's data does."""

    def _prepare(self) -> tuple[list[object], str]:
        argv, url = super()._prepare()
        # Of an option that is given twice the last one counts.
        return [*argv, *(word for setting in DURABLE for word in ("-c", setting))], url

    @property
    def programs(self) -> Path:
        """Where pg_dump and pg_restore of the same version are."""
        return Path(str(self._argv[0])).parent


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a server, by its address for libpq."""

    url: str

    @classmethod
    def of(cls, sqlalchemy_url: str) -> Database:
        """By the address that the app has for it."""
        return cls(sqlalchemy_url.replace("postgresql+psycopg://", "postgresql://", 1))

    def fill(self, messages: int) -> None:
        """So many messages, with the people and sessions that they belong to and the runs that wrote the answers."""
        sessions = messages // PER_SESSION
        counts = {"messages": messages, "sessions": sessions, "people": max(1, sessions // SESSIONS_PER_PERSON)}
        with psycopg.connect(self.url) as connection:
            for statement in (_PEOPLE, _SESSIONS, _MESSAGES, _RUNS):
                connection.execute(sql.SQL(statement).format(per_session=PER_SESSION, **counts))

    def digests(self) -> dict[str, tuple[int, int]]:
        """Of each table: how many rows, and a sum over all that is in them, whatever their order."""
        with psycopg.connect(self.url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            found = {}
            for (name,) in tables:
                row = connection.execute(sql.SQL(_DIGEST).format(table=sql.Identifier(name))).fetchone()
                assert row is not None
                found[str(name)] = (int(row[0]), int(row[1] or 0))
            return found

    def size_bytes(self) -> int:
        """On the disk, indexes included."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            assert row is not None
            return int(row[0])
