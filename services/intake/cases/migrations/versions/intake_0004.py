"""A dispute knows the positions of its records, and keeps its marks itself.

Each took a random place in a tree of its own at every record.
"""

from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "intake_0004"
down_revision = "intake_0003"
branch_labels = None
depends_on = "kernel_0001"

AT_ONCE = 5000


def upgrade() -> None:
    """Add the columns, fill them, and drop the table of the marks."""
    op.add_column("dispute", sa.Column("positions", sa.Text, nullable=False, server_default=""))
    op.add_column("dispute", sa.Column("marks", sa.LargeBinary))
    op.execute(
        "UPDATE dispute SET marks = (SELECT m.marks FROM match_marks AS m WHERE m.dispute_id = dispute.dispute_id)"
    )
    op.drop_table("match_marks")
    bind = op.get_bind()
    fill = sa.text("UPDATE dispute SET positions = :positions WHERE dispute_id = :of")
    rows = bind.execute(sa.text("SELECT key, position FROM outbox ORDER BY key, position"))
    filled = []
    for key, its in groupby(rows, key=lambda row: row.key):
        filled.append({"of": key, "positions": ",".join(str(row.position) for row in its)})
        if len(filled) == AT_ONCE:
            bind.execute(fill, filled)
            filled = []
    if filled:
        bind.execute(fill, filled)


def downgrade() -> None:
    """Give the marks their table again; the positions are in the outbox."""
    op.create_table(
        "match_marks",
        sa.Column("dispute_id", sa.String(36), primary_key=True),
        sa.Column("marks", sa.LargeBinary, nullable=False),
    )
    op.execute("INSERT INTO match_marks SELECT dispute_id, marks FROM dispute WHERE marks IS NOT NULL")
    op.drop_column("dispute", "marks")
    op.drop_column("dispute", "positions")
