"""Every store has the set of credentials and an audit."""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0005"
down_revision = "kernel_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, empty."""
    op.create_table(
        "access_credential",
        sa.Column("credential_id", sa.String(36), primary_key=True),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("scopes", sa.String(256), nullable=False),
        sa.Column("area", sa.String(12), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
    )
    op.create_index("access_credential_token", "access_credential", ["token_sha256"], unique=True)
    op.create_table(
        "access_set",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "audit_entry",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("audit_entry_at", "audit_entry", ["at"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("base_position", sa.BigInteger, nullable=False),
        sa.Column("base_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("audit_head")
    op.drop_table("audit_entry")
    op.drop_table("access_set")
    op.drop_table("access_credential")
