"""When each credential was last used."""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0006"
down_revision = "kernel_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, empty: what was used before is not known."""
    op.create_table(
        "access_use",
        sa.Column("credential_id", sa.String(36), primary_key=True),
        sa.Column("last_used", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("access_use")
