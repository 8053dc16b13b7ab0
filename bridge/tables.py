"""A bridge's own tables.

Receipts, results, cursors. Their first form: `bridge.migrations`.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

bridge_metadata: Final = sa.MetaData()

# Of a record's content only the digest: the content is in the outbox, its confidential part sealed.
receipt: Final = sa.Table(
    "receipt",
    bridge_metadata,
    sa.Column("receipt_id", sa.String(36), primary_key=True),  # UUIDv5 of bridge, agency and idempotency key
    sa.Column("agency", sa.String(64), nullable=False),
    sa.Column("source_ref", sa.String(64), nullable=False),  # as first written
    sa.Column("idempotency_key", sa.String(128), nullable=False),
    sa.Column("dispute_id", sa.String(36), nullable=False),
    sa.Column("case_of", sa.String(36)),  # dispute id for the record itself, NULL for later facts
    sa.Column("content_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("accepted_at", sa.BigInteger, nullable=False),  # microseconds since 1970
    sa.Column("stream", sa.String(96), nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("correlation_id", sa.String(64), nullable=False),
    sa.Column("round", sa.Integer, nullable=False, server_default="0"),  # 1 for the first hand-over; 0 for later facts
    sa.Column(
        "opening", sa.Integer
    ),  # last known opening of the round; NULL until intake began it, and for later facts
    sa.Column(
        "case_code", sa.String(32), nullable=False, server_default=""
    ),  # on the first round, from intake's registration on; empty on all others
    sa.Index("receipt_reference", "agency", "source_ref"),
    sa.Index("receipt_round", "case_of", "round", unique=True),
)

result: Final = sa.Table(
    "result",
    bridge_metadata,
    sa.Column("agency", sa.String(64), primary_key=True),
    sa.Column("cursor", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("event_id", sa.String(36), nullable=False, unique=True),
    sa.Column("source_ref", sa.String(64), nullable=False),
    sa.Column("dispute_id", sa.String(36), nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("reason_code", sa.String(64), nullable=False),
    sa.Column("clause", sa.String(256), nullable=False),
    sa.Column("occurred_at", sa.BigInteger, nullable=False),  # microseconds since 1970
    sa.Column("outcome_form", sa.String(64), nullable=False),
    sa.Column("document_sha256", sa.String(64), nullable=False),
    sa.Column("lead_department", sa.String(64), nullable=False),
    sa.Column("final", sa.Boolean, nullable=False),
    sa.Column("due_dates", sa.Text, nullable=False, server_default="[]"),  # JSON: [name, ISO date, missing year or 0]
    # Rows of earlier releases have none of the following.
    sa.Column("sequence", sa.BigInteger, nullable=False, server_default="0"),  # of the event
    sa.Column("opening", sa.Integer, nullable=False, server_default="0"),
    sa.Column("superseded_by", sa.BigInteger, nullable=False, server_default="0"),  # sequence of the event; 0 stands
    sa.Column("supersedes", sa.Text, nullable=False, server_default="[]"),  # JSON: event ids
    sa.Column("way", sa.String(64), nullable=False, server_default=""),
    sa.Column("missing", sa.Text, nullable=False, server_default="[]"),  # JSON: reason codes
    sa.Column("alarm_limit", sa.String(24), nullable=False, server_default=""),
    sa.Index("result_reference", "agency", "source_ref", "cursor"),
)

# One row for each agency. The lock of the row is needed to hand out that agency's cursors.
result_cursor: Final = sa.Table(
    "result_cursor",
    bridge_metadata,
    sa.Column("agency", sa.String(64), primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),  # cursor handed out last
    sa.Column("acknowledged", sa.BigInteger, nullable=False),
)

# Spellings of which earlier releases made ids that the canonical form would not give. Filled once, when the store is
# migrated to the current schema, and again when a restored store took its hand-offs back.
reference_alias: Final = sa.Table(
    "reference_alias",
    bridge_metadata,
    sa.Column("agency", sa.String(64), primary_key=True),
    sa.Column("spelling", sa.String(64), primary_key=True),
    sa.Column("reference", sa.String(64), nullable=False),  # what the dispute's id is made of
)
