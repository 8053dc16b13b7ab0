"""Sums over all days and towns, beside the cells that they are sums of."""

import sqlalchemy as sa
from alembic import op

revision = "stats_0003"
down_revision = "stats_0002"
branch_labels = None
depends_on = None

KEY = ("county", "channel", "measure", "shard")


def upgrade() -> None:
    """Add up the cells; nothing is folded again."""
    op.create_table(
        "total",
        sa.Column("county", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("measure", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    names = ", ".join(KEY)
    op.execute(f"INSERT INTO total ({names}, count) SELECT {names}, SUM(count) FROM cell GROUP BY {names}")  # noqa: S608 - own names
