"""Accounts have a second factor, keys and mailed links."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _id() -> "sa.Column[str]":
    return sa.Column("id", sa.Uuid(as_uuid=False), nullable=False)


def _user(table: str, *, nullable: bool = False) -> tuple["sa.Column[str]", sa.ForeignKeyConstraint]:
    name = f"fk_{table}_user_id_users"
    return (
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=nullable),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=name, ondelete="CASCADE"),
    )


def _time(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("users", _time("changed_at", nullable=True))
    op.create_index("ix_users_changed_at", "users", ["changed_at"])
    op.add_column("logins", sa.Column("network", sa.String(45)))
    op.create_table(
        "second_factors",
        *_user("second_factors"),
        sa.Column("salt", sa.String(64), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        _time("created_at"),
        _time("confirmed_at", nullable=True),
        sa.PrimaryKeyConstraint("user_id", name="pk_second_factors"),
    )
    op.create_table(
        "recovery_codes",
        _id(),
        *_user("recovery_codes"),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_codes"),
        sa.UniqueConstraint("user_id", "code_hash", name="uq_recovery_codes_user_id_code_hash"),
    )
    _create_keys()
    _create_tickets()


def _create_keys() -> None:
    op.create_table(
        "api_keys",
        _id(),
        *_user("api_keys"),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("start", sa.String(16), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(64), nullable=False),
        _time("created_at"),
        _time("expires_at", nullable=True),
        _time("last_used_at", nullable=True),
        _time("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])


def _create_tickets() -> None:
    op.create_table(
        "tickets",
        _id(),
        *_user("tickets", nullable=True),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        _time("expires_at"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("token_hash", name="uq_tickets_token_hash"),
    )
    op.create_index("ix_tickets_user_id", "tickets", ["user_id"])
    op.create_index("ix_tickets_expires_at", "tickets", ["expires_at"])


def downgrade() -> None:
    for table in ("tickets", "api_keys", "recovery_codes", "second_factors"):
        op.drop_table(table)
    op.drop_column("logins", "network")
    op.drop_index("ix_users_changed_at", "users")
    op.drop_column("users", "changed_at")
