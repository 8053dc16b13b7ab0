"""Marks by which two records of one matter are found; disputes of before have none."""

import sqlalchemy as sa
from alembic import op

revision = "intake_0003"
down_revision = "intake_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "match_pair",
        sa.Column("token", sa.String(32), primary_key=True),
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("received_on", sa.String(10), nullable=False),
    )
    op.create_table(
        "match_marks",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("marks", sa.LargeBinary, nullable=False),
    )
    op.create_table("match_lock", sa.Column("token", sa.String(32), primary_key=True))


def downgrade() -> None:
    """Drop the tables."""
    for name in ("match_lock", "match_marks", "match_pair"):
        op.drop_table(name)
