"""Notes who was forgotten, so that keys that come back from a copy are destroyed again."""

import sqlalchemy as sa
from alembic import op

revision = "intake_0007"
down_revision = "intake_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "forgotten_party",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("party", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("agency", sa.String(64), nullable=False),
        sa.Column("handoff_id", sa.String(64), nullable=False),
        sa.Column("parties", sa.Integer, nullable=False),
        sa.Column("forgotten_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("forgotten_party")
