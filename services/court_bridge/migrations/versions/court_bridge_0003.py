"""Spellings of a reference that earlier releases took for references of their own: the ids given then stay."""

from bridge import migrations

revision = "court_bridge_0003"
down_revision = "court_bridge_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and fill it from the receipts."""
    migrations.create_reference_alias()


def downgrade() -> None:
    """Drop the table."""
    migrations.drop_reference_alias()
