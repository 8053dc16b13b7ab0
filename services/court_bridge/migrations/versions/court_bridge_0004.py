"""Results tell the limits of a dispute, and which of them are provisional."""

from bridge import migrations

revision = "court_bridge_0004"
down_revision = "court_bridge_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    migrations.add_due_dates()


def downgrade() -> None:
    """Drop the column."""
    migrations.drop_due_dates()
