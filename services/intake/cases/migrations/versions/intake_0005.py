"""A dispute keeps its timers itself, and is found by the earliest of them.

In a table of their own each took a random place in a tree at every registration and every end.
"""

import json
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.streams.topics import shard_of

revision = "intake_0005"
down_revision = "intake_0004"
branch_labels = None
depends_on = None

AT_ONCE = 5000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMED = sa.text("rings_at IS NOT NULL")
NEXT = sa.text("SELECT dispute_id, timers FROM dispute WHERE dispute_id > :after ORDER BY dispute_id LIMIT :most")
TIMERS = sa.text("SELECT * FROM timer WHERE dispute_id BETWEEN :first AND :last ORDER BY dispute_id")
FILL = sa.text("UPDATE dispute SET shard = :shard, timers = :timers, rings_at = :rings_at WHERE dispute_id = :of")


def upgrade() -> None:
    """Move each dispute's timers to its row."""
    bind = op.get_bind()
    # SQLite takes an empty text for what it is: only an empty blob is one.
    nothing = sa.text("x''" if bind.dialect.name == "sqlite" else "''")
    op.add_column("dispute", sa.Column("shard", sa.Integer, nullable=False, server_default="0"))
    op.add_column("dispute", sa.Column("timers", sa.LargeBinary, nullable=False, server_default=nothing))
    op.add_column("dispute", sa.Column("rings_at", sa.BigInteger))
    after = ""
    while found := bind.execute(NEXT, {"after": after, "most": AT_ONCE}).all():
        first, after = found[0].dispute_id, found[-1].dispute_id
        rows = bind.execute(TIMERS, {"first": first, "last": after}).all()
        timers = {of: list(its) for of, its in groupby(rows, key=lambda row: row.dispute_id)}
        bind.execute(FILL, [_kept(row.dispute_id, timers.get(row.dispute_id, [])) for row in found])
    op.drop_table("timer")
    op.create_index("dispute_rings", "dispute", ["rings_at"], sqlite_where=TIMED, postgresql_where=TIMED)


def downgrade() -> None:
    """Give the timers their table again."""
    op.create_table(
        "timer",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("limit", sa.String(24), primary_key=True),
        sa.Column("step", sa.String(12), nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("rings_at", sa.BigInteger, nullable=False),
    )
    bind = op.get_bind()
    add = sa.text("INSERT INTO timer VALUES (:of, :limit, :step, :shard, :due_at, :rings_at)")
    after = ""
    while found := bind.execute(NEXT, {"after": after, "most": AT_ONCE}).all():
        after = found[-1].dispute_id
        if rows := [row for of, stored in found for row in _rows(of, stored)]:
            bind.execute(add, rows)
    op.create_index("timer_rings", "timer", ["rings_at", "dispute_id", "limit"])
    op.drop_index("dispute_rings", "dispute")
    for name in ("rings_at", "timers", "shard"):
        op.drop_column("dispute", name)


def _kept(of: str, rows: list[sa.Row[Any]]) -> dict[str, object]:
    timers = {row.limit: (row.step, _at(row.due_at), _at(row.rings_at)) for row in rows}
    return {
        "of": of,
        "shard": shard_of(of),
        "timers": json.dumps(timers, sort_keys=True, separators=(",", ":")).encode() if timers else b"",
        "rings_at": min((row.rings_at for row in rows), default=None),
    }


def _rows(of: str, stored: bytes) -> list[dict[str, object]]:
    timers = json.loads(stored) if stored else {}
    return [
        {"of": of, "limit": limit, "step": step, "shard": shard_of(of), "due_at": _us(due), "rings_at": _us(rings)}
        for limit, (step, due, rings) in timers.items()
    ]


def _at(micros: int) -> str:
    return (EPOCH + timedelta(microseconds=micros)).isoformat().replace("+00:00", "Z")


def _us(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)
