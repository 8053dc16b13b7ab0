"""Keys of agencies are credentials like all others."""

from bridge import migrations

revision = "petition_bridge_0006"
down_revision = "petition_bridge_0005"
branch_labels = None
depends_on = "kernel_0005"


def upgrade() -> None:
    """Move the keys; their table goes."""
    migrations.move_keys()


def downgrade() -> None:
    """Move them back."""
    migrations.move_keys_back()
