"""Workers that relay: they share the shards among them."""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0002"
down_revision = "kernel_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "relay_worker",
        sa.Column("worker", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
