"""First tables of intake.

Revision ID: intake_0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "intake_0001"
down_revision = None
branch_labels = ("intake",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "dispute",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("procedure", sa.String(32), nullable=False),
        sa.Column("snapshot", sa.LargeBinary, nullable=False),
    )
    op.create_index("dispute_state", "dispute", ["state", "channel", "dispute_id"])
    op.create_table(
        "command_done",
        sa.Column("command_id", sa.String(64), primary_key=True),
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("stream", sa.String(96), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("refusal", sa.String(1024)),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "handoff_applied",
        sa.Column("handoff_id", sa.String(36), primary_key=True),
        sa.Column("dispute_id", sa.String(36), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "open_matter",
        sa.Column("matter", sa.String(64), primary_key=True),
        sa.Column("dispute_id", sa.String(36), nullable=False),
    )
    op.create_index("open_matter_dispute", "open_matter", ["dispute_id"])
    op.create_table(
        "timer",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(24), primary_key=True),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
    )
    op.create_index("timer_due", "timer", ["due_at", "dispute_id", "kind"])
    op.create_table(
        "confidential",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("agency", sa.String(64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("nonce", sa.LargeBinary(12), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "scenario_clock",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("now_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "scenario_clock",
        "confidential",
        "timer",
        "open_matter",
        "handoff_applied",
        "command_done",
        "dispute",
    ):
        op.drop_table(name)
