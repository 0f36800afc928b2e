"""What each user has used, by day, so that a quota can be held."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_days",
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "day", name="pk_usage_days"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_usage_days_user_id_users", ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("usage_days")
