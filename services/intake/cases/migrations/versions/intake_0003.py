"""What sources recorded stays; a limit has one timer, of its next step; marks find one matter; members share results.

Cases get codes and show their level of supervision. Accusations leave by sealed exits. The claims of matters go: what
they held is in the links of the disputes.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "intake_0003"
down_revision = "intake_0002"
branch_labels = None
depends_on = None

LIMITS = {
    "sign": "sign_by",
    "term": "due_on",
    "local": "local_due_on",
    "statutory": "statutory_due_on",
}


def upgrade() -> None:
    """Add the facts; turn pairs of timers into one of the next step."""
    # SQLite takes an empty text for what it is: only an empty blob is one.
    nothing = sa.text("x''" if op.get_bind().dialect.name == "sqlite" else "''")
    op.add_column("dispute", sa.Column("facts", sa.LargeBinary, nullable=False, server_default=nothing))
    _add_case_codes()
    _add_supervision()
    op.drop_index("timer_due", "timer")
    op.rename_table("timer", "timer_before")
    op.create_table(
        "timer",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("limit", sa.String(24), primary_key=True),
        sa.Column("step", sa.String(12), nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("rings_at", sa.BigInteger, nullable=False),
    )
    op.create_index("timer_rings", "timer", ["rings_at", "dispute_id", "limit"])
    for prefix, limit in LIMITS.items():
        end = "expired" if prefix == "term" else "overdue"
        _copy(f"{prefix}_reminder", limit, "reminder")
        _copy(f"{prefix}_{end}", limit, "overdue")
    _copy("follow_up", "follow_up", "overdue")
    op.drop_table("timer_before")
    op.create_table(
        "clock_move",
        sa.Column("now_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("moved_at", sa.BigInteger, nullable=False),
    )
    _add_marks()
    _add_sealed_exits()
    _add_matters()
    op.drop_table("open_matter")


def downgrade() -> None:
    """Drop what was added; limits get their ends back, without reminders."""
    op.create_table(
        "open_matter",
        sa.Column("matter", sa.String(64), primary_key=True),
        sa.Column("dispute_id", sa.String(36), nullable=False),
    )
    op.create_index("open_matter_dispute", "open_matter", ["dispute_id"])
    op.drop_index("dispute_case_code", "dispute")
    op.drop_column("dispute", "case_code")
    op.drop_index("dispute_supervision", "dispute")
    op.drop_column("dispute", "supervision")
    matters = ("effect", "matter_member", "match_lock", "match_marks", "match_pair")
    for name in ("case_number", "sealed_exit", *matters, "clock_move"):
        op.drop_table(name)
    op.drop_column("dispute", "facts")
    op.drop_index("timer_rings", "timer")
    op.rename_table("timer", "timer_after")
    op.create_table(
        "timer",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(24), primary_key=True),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
    )
    op.create_index("timer_due", "timer", ["due_at", "dispute_id", "kind"])
    for prefix, limit in LIMITS.items():
        kind = f"{prefix}_{'expired' if prefix == 'term' else 'overdue'}"
        op.execute(
            sa.text(
                "INSERT INTO timer (dispute_id, kind, shard, due_at) SELECT dispute_id, :kind, shard, due_at "
                "FROM timer_after WHERE \"limit\" = :limit AND step = 'overdue'"
            ).bindparams(kind=kind, limit=limit)
        )
    op.drop_table("timer_after")


def _add_case_codes() -> None:
    """Add the codes; disputes of before have none."""
    op.add_column("dispute", sa.Column("case_code", sa.String(32)))
    op.create_index("dispute_case_code", "dispute", ["case_code"], unique=True)
    op.create_table(
        "case_number",
        sa.Column("county", sa.String(6), primary_key=True),
        sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _add_supervision() -> None:
    """Add the levels of supervision, and read those of disputes of before from their snapshots."""
    op.add_column("dispute", sa.Column("supervision", sa.String(16)))
    late = sa.text("supervision IS NOT NULL")
    op.create_index(
        "dispute_supervision", "dispute", ["supervision", "dispute_id"], sqlite_where=late, postgresql_where=late
    )
    bind = op.get_bind()
    after = ""
    while True:
        page = sa.text("SELECT dispute_id, snapshot FROM dispute WHERE dispute_id > :after ORDER BY 1 LIMIT 10000")
        rows = bind.execute(page.bindparams(after=after)).all()
        if not rows:
            return
        after = rows[-1].dispute_id
        levels = [
            {"of": row.dispute_id, "level": level}
            for row in rows
            if (level := json.loads(bytes(row.snapshot)).get("supervision", "normal")) != "normal"
        ]
        if levels:
            bind.execute(sa.text("UPDATE dispute SET supervision = :level WHERE dispute_id = :of"), levels)


def _add_marks() -> None:
    op.create_table(
        "match_pair",
        sa.Column("token", sa.String(32), primary_key=True),
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("received_on", sa.String(10), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "match_marks",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("marks", sa.LargeBinary, nullable=False),
    )
    op.create_table("match_lock", sa.Column("token", sa.String(32), primary_key=True))


def _add_sealed_exits() -> None:
    op.create_table(
        "sealed_exit",
        sa.Column("exit_id", sa.String(36), primary_key=True),
        sa.Column("organ", sa.String(64), nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("target", sa.String(32), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("nonce", sa.LargeBinary(12), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary, nullable=False),
        sa.Column("fetched_at", sa.BigInteger),
    )


def _add_matters() -> None:
    members = op.create_table(
        "matter_member",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("master_dispute_id", sa.String(36), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("matter_member_master", "matter_member", ["master_dispute_id"])
    op.create_table(
        "effect",
        sa.Column("effect_id", sa.String(36), primary_key=True),
        sa.Column("dispute_id", sa.String(36), nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
    )
    op.create_index("effect_order", "effect", ["recorded_at", "sequence", "effect_id"])
    # Earlier releases linked only duplicates, which end there.
    linked = op.get_bind().execute(sa.text("SELECT dispute_id, snapshot FROM dispute WHERE state = 'duplicate'"))
    rows = [
        {"dispute_id": dispute_id, "master_dispute_id": master}
        for dispute_id, snapshot in linked
        if (master := json.loads(bytes(snapshot)).get("master_dispute_id"))
    ]
    op.bulk_insert(members, rows)


def _copy(kind: str, limit: str, step: str) -> None:
    """Copy timers of a kind; a limit whose reminder is still to come keeps that step."""
    op.execute(
        sa.text(
            'INSERT INTO timer (dispute_id, "limit", step, shard, due_at, rings_at) '
            "SELECT dispute_id, :limit, :step, shard, due_at, due_at FROM timer_before AS b WHERE kind = :kind "
            'AND NOT EXISTS (SELECT 1 FROM timer AS t WHERE t.dispute_id = b.dispute_id AND t."limit" = :limit)'
        ).bindparams(limit=limit, step=step, kind=kind)
    )
