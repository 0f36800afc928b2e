"""Runs have an owner: the process that writes them, so that another one can take over when it dies."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

IS_OPEN = sa.text("status IN ('queued', 'streaming')")


def upgrade() -> None:
    op.add_column("runs", sa.Column("owner", sa.String(36)))
    op.create_index("ix_runs_open_owner", "runs", ["owner"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)


def downgrade() -> None:
    op.drop_index("ix_runs_open_owner", "runs")
    op.drop_column("runs", "owner")
