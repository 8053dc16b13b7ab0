"""Credentials, receipts, results and cursors, first form."""

from bridge import migrations

revision = "police_bridge_0001"
down_revision = None
branch_labels = ("police_bridge",)
depends_on = None


def upgrade() -> None:
    """Create the bridge's tables."""
    migrations.create_first_form()


def downgrade() -> None:
    """Drop the bridge's tables."""
    migrations.drop_first_form()
