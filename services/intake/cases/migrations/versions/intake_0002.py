"""Which holiday tables the provisional dates of a dispute wait for; no dispute of before has such dates."""

import sqlalchemy as sa
from alembic import op

revision = "intake_0002"
down_revision = "intake_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "missing_year",
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("dispute_id", sa.String(36), primary_key=True),
    )
    op.create_index("missing_year_dispute", "missing_year", ["dispute_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("missing_year")
