"""Tables of stats.

Interned values, facts, cells, totals, and how many events were folded.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from services.stats.facts.fold import COHORTS, DIMENSIONS

metadata: Final = sa.MetaData()


def _key(name: str, kind: type[sa.Integer]) -> sa.Column[int]:
    """Return a primary-key column with values of the journal."""
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


# A dimension's value or a stream's name, once. `kind` 0 is a stream; n is the n-th of `DIMENSIONS`.
# Ids are internal and may differ after a rebuild; answers may not.
interned: Final = sa.Table(
    "interned",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("value", sa.String(128), nullable=False),
    sa.UniqueConstraint("kind", "value", name="interned_value"),
)

# One counted fact (+1) or one taken back (-1). Append-only. (stream_id, position, line) is unique: a line of an event
# has one type and one day. They are first in the key, because drill-down queries them: one index serves both.
fact: Final = sa.Table(
    "fact",
    metadata,
    sa.Column("stream_id", sa.Integer, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("line", sa.SmallInteger, nullable=False),
    sa.Column("type", sa.SmallInteger, nullable=False),  # measures.FactType
    sa.Column("sign", sa.SmallInteger, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),  # business day; of a link, when its record was received
    sa.Column("first", sa.SmallInteger, nullable=False),  # 1: first of its type in its opening (conclusions only)
    sa.Column("concluding", sa.SmallInteger, nullable=False),  # 1: first conclusion of its opening
    sa.Column("opening", sa.Integer, nullable=False),  # relapses and further rounds so far
    sa.Column("recorded_ms", sa.BigInteger, nullable=False),  # recorded by intake, ms since 1970
    sa.Column("dispute", sa.LargeBinary(16), nullable=False),
    *(sa.Column(name, sa.Integer) for name in COHORTS),  # days since 1970-01-01
    *(sa.Column(name, sa.Integer, nullable=False) for name in DIMENSIONS),  # interned; 0 is empty
    sa.PrimaryKeyConstraint("type", "day", "stream_id", "position", "line", name="fact_place"),
    sqlite_with_rowid=False,
)

# Sums of facts. The shard is in the key so that two workers never touch one row.
cell: Final = sa.Table(
    "cell",
    metadata,
    _key("day", sa.Integer),
    _key("shard", sa.SmallInteger),
    _key("measure", sa.SmallInteger),  # base count
    _key("channel", sa.Integer),
    _key("county", sa.Integer),
    _key("town", sa.Integer),
    sa.Column("count", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Sums of cells over all days and towns: queries over all time (each scrape, the table that people see first) must
# not cost more the longer the hub has run.
total: Final = sa.Table(
    "total",
    metadata,
    _key("county", sa.Integer),
    _key("channel", sa.Integer),
    _key("measure", sa.SmallInteger),  # base count
    _key("shard", sa.SmallInteger),
    sa.Column("count", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Events folded per stream, counted one by one: the books compare it with the reader's position.
folded: Final = sa.Table(
    "folded",
    metadata,
    _key("stream_id", sa.Integer),
    sa.Column("events", sa.BigInteger, nullable=False),
)
