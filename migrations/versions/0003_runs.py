"""Runs: attempts of a model to write a message."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATUSES = "'queued', 'streaming', 'completed', 'stopped', 'failed'"
IS_OPEN = sa.text("status IN ('queued', 'streaming')")


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("message_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("session_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(200)),
        sa.Column("text_kept", sa.Text(), nullable=False),
        sa.Column("reasoning_kept", sa.Text(), nullable=False),
        sa.Column("usage", sa.JSON()),
        sa.Column("error_code", sa.String(64)),
        sa.Column("error_message", sa.Text()),
        sa.Column("error_retryable", sa.Boolean()),
        sa.Column("ends", sa.JSON()),
        sa.Column("sha256", sa.JSON()),
        sa.Column("stop_requested_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("first_token_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_runs_message_id_messages", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["chat_sessions.id"], name="fk_runs_session_id_chat_sessions", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_runs_user_id_users", ondelete="CASCADE"),
        sa.CheckConstraint(f"status IN ({STATUSES})", name=op.f("ck_runs_status")),
    )
    op.create_index("ix_runs_message_id", "runs", ["message_id"])
    op.create_index("ix_runs_session_id", "runs", ["session_id"])
    op.create_index("ix_runs_user_id", "runs", ["user_id"])
    op.create_index("ix_runs_open", "runs", ["created_at"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)


def downgrade() -> None:
    op.drop_table("runs")
