"""A dispute keeps what another person approved of it (四眼)."""

import sqlalchemy as sa
from alembic import op

revision = "intake_0006"
down_revision = "intake_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("dispute", sa.Column("approval", sa.LargeBinary))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("dispute", "approval")
