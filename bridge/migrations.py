"""Schema history of a bridge's own tables.

Each bridge's revision files call these functions, because all bridges have the same tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.record import references
from hub.access.credential_file import agency_credential
from hub.store.instants import to_micros


def create_first_form() -> None:
    """Create credentials, receipts, results and cursors.

    This is history: never edit it; a change is a new function.
    """
    op.create_table(
        "credential",
        sa.Column("key_sha256", sa.String(64), primary_key=True),
        sa.Column("agency", sa.String(64), nullable=False),
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.create_table(
        "receipt",
        sa.Column("receipt_id", sa.String(36), primary_key=True),
        sa.Column("agency", sa.String(64), nullable=False),
        sa.Column("source_ref", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(128), nullable=False),
        sa.Column("dispute_id", sa.String(36), nullable=False),
        sa.Column("case_of", sa.String(36), unique=True),
        sa.Column("content_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        sa.Column("stream", sa.String(96), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("correlation_id", sa.String(64), nullable=False),
    )
    op.create_index("receipt_reference", "receipt", ["agency", "source_ref"])
    op.create_table(
        "result",
        sa.Column("agency", sa.String(64), primary_key=True),
        sa.Column("cursor", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(36), nullable=False, unique=True),
        sa.Column("source_ref", sa.String(64), nullable=False),
        sa.Column("dispute_id", sa.String(36), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("reason_code", sa.String(64), nullable=False),
        sa.Column("clause", sa.String(256), nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("outcome_form", sa.String(64), nullable=False),
        sa.Column("document_sha256", sa.String(64), nullable=False),
        sa.Column("lead_department", sa.String(64), nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
    )
    op.create_index("result_reference", "result", ["agency", "source_ref", "cursor"])
    op.create_table(
        "result_cursor",
        sa.Column("agency", sa.String(64), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("acknowledged", sa.BigInteger, nullable=False),
    )


def drop_outbox_key() -> None:
    """Drop the outbox's index by dispute.

    A bridge never looks there. Since `kernel_0004` nobody does, and in a new store it may be gone already.
    """
    op.drop_index("outbox_key", "outbox", if_exists=True)


def create_outbox_key() -> None:
    """Undo `drop_outbox_key`."""
    op.create_index("outbox_key", "outbox", ["key", "position"], if_not_exists=True)


def create_reference_alias() -> None:
    """Create and fill the table of old spellings.

    Earlier releases made ids of these spellings. They are filled from the receipts.
    """
    op.create_table(
        "reference_alias",
        sa.Column("agency", sa.String(64), primary_key=True),
        sa.Column("spelling", sa.String(64), primary_key=True),
        sa.Column("reference", sa.String(64), nullable=False),
    )
    references.fill(op.get_bind())


def drop_reference_alias() -> None:
    """Undo `create_reference_alias`."""
    op.drop_table("reference_alias")


def add_due_dates() -> None:
    """Add the limits to results.

    Results written before have none.
    """
    op.add_column("result", sa.Column("due_dates", sa.Text, nullable=False, server_default="[]"))


def drop_due_dates() -> None:
    """Undo `add_due_dates`."""
    op.drop_column("result", "due_dates")


def add_rounds() -> None:
    """Let a record have a receipt for each round, and results take back earlier ones.

    Every record stored before is of the first round and the first opening.
    """
    op.add_column("receipt", sa.Column("round", sa.Integer, nullable=False, server_default="0"))
    op.add_column("receipt", sa.Column("opening", sa.Integer))
    op.add_column("receipt", sa.Column("case_code", sa.String(32), nullable=False, server_default=""))
    op.execute("UPDATE receipt SET round = 1, opening = 1 WHERE case_of IS NOT NULL")
    # SQLite can't drop a constraint: the table is copied.
    with op.batch_alter_table("receipt", naming_convention={"uq": "%(table_name)s_%(column_0_name)s_key"}) as batch:
        batch.drop_constraint("receipt_case_of_key", type_="unique")
    op.create_index("receipt_round", "receipt", ["case_of", "round"], unique=True)
    op.add_column("result", sa.Column("sequence", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("result", sa.Column("opening", sa.Integer, nullable=False, server_default="0"))
    op.add_column("result", sa.Column("superseded_by", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("result", sa.Column("supersedes", sa.Text, nullable=False, server_default="[]"))
    op.add_column("result", sa.Column("way", sa.String(64), nullable=False, server_default=""))
    op.add_column("result", sa.Column("missing", sa.Text, nullable=False, server_default="[]"))
    op.add_column("result", sa.Column("alarm_limit", sa.String(24), nullable=False, server_default=""))


def drop_rounds() -> None:
    """Undo `add_rounds`; later rounds become like later facts."""
    for name in ("alarm_limit", "missing", "way", "supersedes", "superseded_by", "opening", "sequence"):
        op.drop_column("result", name)
    op.drop_index("receipt_round", "receipt")
    op.execute("UPDATE receipt SET case_of = NULL WHERE round > 1")
    with op.batch_alter_table("receipt") as batch:
        batch.create_unique_constraint("receipt_case_of_key", ["case_of"])
    for name in ("case_code", "opening", "round"):
        op.drop_column("receipt", name)


def drop_first_form() -> None:
    """Undo `create_first_form`."""
    for table in ("result_cursor", "result", "receipt", "credential"):
        op.drop_table(table)


def move_keys() -> None:
    """Make credentials of the agencies' valid keys, and drop their table."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT key_sha256, agency, county FROM credential WHERE NOT revoked"))
    keys = [agency_credential(row.agency, row.county, row.key_sha256) for row in rows]
    # This is history: the columns as they were then.
    insert = sa.text(
        "INSERT INTO access_credential (credential_id, token_sha256, holder, role, scopes, area, expires_at) "
        "VALUES (:id, :token_sha256, :holder, :role, '', :area, :expires_at)"
    )
    for key in keys:
        connection.execute(
            insert,
            {
                "id": key.credential_id,
                "token_sha256": key.token_sha256,
                "holder": key.holder,
                "role": key.role,
                "area": key.area,
                "expires_at": to_micros(key.expires_at),
            },
        )
    op.drop_table("credential")


def move_keys_back() -> None:
    """Undo `move_keys`."""
    op.create_table(
        "credential",
        sa.Column("key_sha256", sa.String(64), primary_key=True),
        sa.Column("agency", sa.String(64), nullable=False),
        sa.Column("county", sa.String(6), nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.execute(
        "INSERT INTO credential (key_sha256, agency, county, added_at, revoked) "
        "SELECT token_sha256, holder, area, 0, revoked_at IS NOT NULL FROM access_credential WHERE role = 'agency'"
    )
