"""Credentials in the store of a service: the truth in the one that issues them, the newest copy in the others."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from hub.store.tables import kernel_metadata

access_credential: Final = sa.Table(
    "access_credential",
    kernel_metadata,
    sa.Column("credential_id", sa.String(36), primary_key=True),
    sa.Column("token_sha256", sa.String(64), nullable=False),
    sa.Column("holder", sa.String(64), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("scopes", sa.String(256), nullable=False),  # comma-separated, ascending; empty: all of the role
    sa.Column("area", sa.String(12), nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),  # microseconds since 1970
    sa.Column("revoked_at", sa.BigInteger),  # as above; NULL while it is not
    sa.Index("access_credential_token", "token_sha256", unique=True),
)

# One row: which version of the set this store has.
access_set: Final = sa.Table(
    "access_set",
    kernel_metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)

# What the gates of this store's service saw; the newest over all services counts.
access_use: Final = sa.Table(
    "access_use",
    kernel_metadata,
    sa.Column("credential_id", sa.String(36), primary_key=True),
    sa.Column("last_used", sa.BigInteger, nullable=False),  # microseconds since 1970, a whole minute
)
