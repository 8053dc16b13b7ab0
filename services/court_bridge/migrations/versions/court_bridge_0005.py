"""A record has a receipt for each round; a result says which earlier ones it takes back."""

from bridge import migrations

revision = "court_bridge_0005"
down_revision = "court_bridge_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; a reference is unique with its round."""
    migrations.add_rounds()


def downgrade() -> None:
    """Drop the columns."""
    migrations.drop_rounds()
