"""The audit log is a chain that the database lets nobody change; chores have a time when they are due; old rows go.

Lines that are there already are chained as they are, without a key. The form of what is hashed is a copy of
`zgpt/core/audit_chain.py` at its first version, for a migration must not change when the code does.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

GENESIS = "0" * 64
CHORES = ("audit_head", "prune")
PAGE = 1_000
REFUSAL = "lines of the audit log are never changed or taken out"
EVENTS = sa.table(
    "audit_events",
    sa.column("id", sa.Uuid(as_uuid=False)),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("kind", sa.String),
    sa.column("user_id", sa.Uuid(as_uuid=False)),
    sa.column("ip", sa.String),
    sa.column("detail", sa.JSON),
    sa.column("sequence", sa.BigInteger),
    sa.column("previous_hash", sa.String),
    sa.column("hash", sa.String),
    sa.column("key_id", sa.String),
)
CHAIN = ("sequence", "previous_hash", "hash", "key_id")
KINDS: dict[str, "sa.BigInteger | sa.String"] = {
    "sequence": sa.BigInteger(),
    "previous_hash": sa.String(64),
    "hash": sa.String(64),
    "key_id": sa.String(8),
}


def upgrade() -> None:
    with op.batch_alter_table("audit_events") as events:
        for name in CHAIN:
            events.add_column(sa.Column(name, KINDS[name]))
    heads = op.create_table(
        "audit_heads",
        sa.Column("chain", sa.String(8), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_audit_heads"),
    )
    # A script of SQL cannot hash: it is for databases without lines, and fails on others at the next step.
    last = (0, GENESIS) if context.is_offline_mode() else _chain_lines()
    op.bulk_insert(heads, [{"chain": "main", "sequence": last[0], "hash": last[1]}])
    with op.batch_alter_table("audit_events") as events:
        for name in CHAIN:
            events.alter_column(name, existing_type=KINDS[name], nullable=False)
    op.create_index("ix_audit_events_sequence", "audit_events", ["sequence"], unique=True)
    _refuse_changes()
    _create_chores()
    op.create_index(
        "ix_chat_sessions_deleted_at",
        "chat_sessions",
        ["deleted_at"],
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_chat_sessions_deleted_at", "chat_sessions")
    op.drop_table("chores")
    _allow_changes()
    op.drop_index("ix_audit_events_sequence", "audit_events")
    with op.batch_alter_table("audit_events") as events:
        for name in CHAIN:
            events.drop_column(name)
    op.drop_table("audit_heads")


def _create_chores() -> None:
    chores = op.create_table(
        "chores",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
    )
    op.bulk_insert(chores, [{"name": name, "due_at": datetime(1970, 1, 1, tzinfo=UTC)} for name in CHORES])


def _chain_lines() -> tuple[int, str]:
    """Number and hash the lines in the order in which they were written; the last number and hash."""
    sequence, previous = 0, GENESIS
    for page in _pages():
        values = []
        for row in page:
            sequence += 1
            digest = hashlib.sha256(_canonical(sequence, previous, row)).hexdigest()
            values.append({"row_id": row["id"], "n": sequence, "before": previous, "own": digest})
            previous = digest
        chained = EVENTS.update().where(EVENTS.c.id == sa.bindparam("row_id", type_=EVENTS.c.id.type))
        new: dict[str, Any] = {
            "sequence": sa.bindparam("n"),
            "previous_hash": sa.bindparam("before"),
            "hash": sa.bindparam("own"),
        }
        op.get_bind().execute(chained.values({**new, "key_id": ""}), values)
    return sequence, previous


def _pages() -> Iterator[list[Any]]:
    place = sa.tuple_(EVENTS.c.at, EVENTS.c.id)
    wanted = sa.select(*[EVENTS.c[name] for name in ("id", "at", "kind", "user_id", "ip", "detail")])
    wanted = wanted.order_by(EVENTS.c.at, EVENTS.c.id).limit(PAGE)
    rows = list(op.get_bind().execute(wanted).mappings())
    while rows:
        yield rows
        last = sa.tuple_(*[sa.literal(rows[-1][name], EVENTS.c[name].type) for name in ("at", "id")])
        rows = list(op.get_bind().execute(wanted.where(place > last)).mappings())


def _canonical(sequence: int, previous: str, row: Any) -> bytes:
    at: datetime = row["at"]
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    parts = ["zgpt-audit-1", sequence, previous, row["id"], at.isoformat(timespec="microseconds")]
    parts += [row["kind"], row["user_id"], row["ip"], row["detail"]]
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _refuse_changes() -> None:
    if op.get_context().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_events_no_{what.lower()} BEFORE {what} ON audit_events "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION zgpt_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'insufficient_privilege'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION zgpt_refuse_audit_change()"
    )


def _allow_changes() -> None:
    if op.get_context().dialect.name == "sqlite":
        for what in ("update", "delete"):
            op.execute(f"DROP TRIGGER audit_events_no_{what}")
        return
    op.execute("DROP TRIGGER audit_events_append_only ON audit_events")
    op.execute("DROP FUNCTION zgpt_refuse_audit_change()")
