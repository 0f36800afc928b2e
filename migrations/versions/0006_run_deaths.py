"""Runs count the processes that died while they wrote them; those that let go politely do not count."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default is the database's: processes of the version before go on adding rows during a rolling deploy.
    op.add_column("runs", sa.Column("deaths", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("runs", "deaths")
