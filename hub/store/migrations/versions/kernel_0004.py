"""The outbox without its index by key, a random place in a tree at each record: who asks knows the positions."""

from alembic import op

revision = "kernel_0004"
down_revision = "kernel_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the index, where a bridge has not dropped it already."""
    op.drop_index("outbox_key", "outbox", if_exists=True)


def downgrade() -> None:
    """Create the index."""
    op.create_index("outbox_key", "outbox", ["key", "position"], if_not_exists=True)
