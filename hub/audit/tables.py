"""The audit in the store of a service."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from hub.store.tables import kernel_metadata

audit_entry: Final = sa.Table(
    "audit_entry",
    kernel_metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),  # microseconds since 1970
    sa.Column("content", sa.LargeBinary, nullable=False),  # JSON
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Index("audit_entry_at", "at"),
)

# One row. Where the chain begins (entries before were pruned) and where it ends.
audit_head: Final = sa.Table(
    "audit_head",
    kernel_metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("base_position", sa.BigInteger, nullable=False),
    sa.Column("base_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
)
