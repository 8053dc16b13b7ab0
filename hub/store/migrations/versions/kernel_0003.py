"""Sources that are held, and of which source each record is that waits or is dead."""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0003"
down_revision = "kernel_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and the columns; what waits or is dead already names no source."""
    op.create_table(
        "source_hold",
        sa.Column("topic", sa.String(128), primary_key=True),
        sa.Column("source", sa.String(160), primary_key=True),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("reasons", sa.String(256), nullable=False),
    )
    op.add_column("parked", sa.Column("source", sa.String(160), nullable=False, server_default=""))
    op.create_index("parked_source", "parked", ["topic", "source", "partition", "key", "id"])
    op.add_column("dead_letter", sa.Column("source", sa.String(160), nullable=False, server_default=""))
