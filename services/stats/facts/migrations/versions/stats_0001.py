"""Tables of stats, first form."""

import sqlalchemy as sa
from alembic import op

revision = "stats_0001"
down_revision = None
branch_labels = ("stats",)
depends_on = None

COHORTS = (
    "received_on",
    "registered_on",
    "accepted_on",
    "due_on",
    "agreed_on",
    "concluded_on",
    "closed_on",
    "local_due_on",
    "statutory_due_on",
)
DIMENSIONS = (
    "channel",
    "county_code",
    "town_code",
    "source_organ",
    "village_code",
    "grid_code",
    "category",
    "case_cause",
    "regime",
    "level",
    "lead_department",
    "organisation",
    "mediation_kind",
    "dispatch_mode",
    "mediator_id",
    "colour",
    "recurrence",
    "scale",
    "outcome_form",
    "outcome_code",
    "rule_version",
)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "interned",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("value", sa.String(128), nullable=False),
        sa.UniqueConstraint("kind", "value", name="interned_value"),
    )
    op.create_table(
        "fact",
        sa.Column("stream_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("type", sa.SmallInteger, nullable=False),
        sa.Column("sign", sa.SmallInteger, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("first", sa.SmallInteger, nullable=False),
        sa.Column("concluding", sa.SmallInteger, nullable=False),
        sa.Column("opening", sa.Integer, nullable=False),
        sa.Column("recorded_ms", sa.BigInteger, nullable=False),
        sa.Column("dispute", sa.LargeBinary(16), nullable=False),
        *(sa.Column(name, sa.Integer) for name in COHORTS),
        *(sa.Column(name, sa.Integer, nullable=False) for name in DIMENSIONS),
        sqlite_with_rowid=False,
    )
    op.create_index("fact_type_day", "fact", ["type", "day"])
    op.create_table(
        "cell",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("measure", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("county", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("town", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "folded",
        sa.Column("stream_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("events", sa.BigInteger, nullable=False),
    )
