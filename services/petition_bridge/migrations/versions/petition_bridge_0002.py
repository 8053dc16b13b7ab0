"""The outbox without its index by dispute: a random place in a tree at each record, and nobody looks there."""

from bridge import migrations

revision = "petition_bridge_0002"
down_revision = "petition_bridge_0001"
branch_labels = None
depends_on = "kernel_0001"


def upgrade() -> None:
    """Drop the index."""
    migrations.drop_outbox_key()


def downgrade() -> None:
    """Create the index."""
    migrations.create_outbox_key()
