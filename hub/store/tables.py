"""The kernel tables, the same in every store.

They are outbox, inbox, dead letters, parked records and held sources.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

kernel_metadata: Final = sa.MetaData()

store_meta: Final = sa.Table(
    "store_meta",
    kernel_metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.String(256), nullable=False),
)

# Head of each own stream. Its row lock is the right to assign positions of that shard.
stream_head: Final = sa.Table(
    "stream_head",
    kernel_metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.String(16), nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),  # last position assigned
    sa.Column("hash", sa.LargeBinary(32), nullable=False),  # running hash after it
    sa.Column("rows", sa.BigInteger, nullable=False),  # records ever accepted, for the books
)

# Where an epoch of a shard began: continues the epoch before at `after_position`.
stream_epoch: Final = sa.Table(
    "stream_epoch",
    kernel_metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.String(16), primary_key=True),
    sa.Column("continues_epoch", sa.String(16)),
    sa.Column("after_position", sa.BigInteger, nullable=False),
)

# Lease of a shard's relay; apart from the head, so that marking never waits for an appender.
stream_lease: Final = sa.Table(
    "stream_lease",
    kernel_metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("holder", sa.String(64), nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),  # seconds since 1970, the store's clock
    sa.Column("sent_upto", sa.BigInteger, nullable=False),
)

# Workers that relay, so that they can share the shards; a worker without a lease is listed too.
relay_worker: Final = sa.Table(
    "relay_worker",
    kernel_metadata,
    sa.Column("worker", sa.String(64), primary_key=True),
    sa.Column("expires_at", sa.Float, nullable=False),  # seconds since 1970, the store's clock
)

outbox: Final = sa.Table(
    "outbox",
    kernel_metadata,
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.String(16), nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),  # running hash after this record
    sa.Column("written_at", sa.Float, nullable=False),  # seconds since 1970
)

inbox_partition: Final = sa.Table(
    "inbox_partition",
    kernel_metadata,
    sa.Column("topic", sa.String(128), primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
    sa.Column("topic_id", sa.String(64), nullable=False),
    sa.Column("applied", sa.BigInteger, nullable=False),  # records whose effect was committed
    sa.Column("repeats_dropped", sa.BigInteger, nullable=False),
    sa.Column("gaps_fetched", sa.BigInteger, nullable=False),
)

inbox_stream: Final = sa.Table(
    "inbox_stream",
    kernel_metadata,
    sa.Column("topic", sa.String(128), primary_key=True),
    sa.Column("producer", sa.String(64), primary_key=True),
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.String(16), primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),  # a later epoch continued it
)

dead_letter: Final = sa.Table(
    "dead_letter",
    kernel_metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("topic", sa.String(128), nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("stream", sa.String(96), nullable=False),  # empty for a record that is no batch
    sa.Column("position", sa.BigInteger, nullable=False),  # first position; 0 for a record that is no batch
    sa.Column("records", sa.Integer, nullable=False),  # numbered records it covers; 0 for no batch
    sa.Column("key", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary),
    sa.Column("headers", sa.LargeBinary, nullable=False),  # JSON list of [name, hex value]
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("detail", sa.String(512), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("failed_at", sa.Float, nullable=False),
    sa.Column("sent", sa.Boolean, nullable=False),
    sa.Column("source", sa.String(160), nullable=False, server_default=""),  # set for `source_held` alone
    sa.UniqueConstraint("topic", "partition", "offset", "stream", "position", name="dead_letter_place"),
    sa.Index("dead_letter_unsent", "sent", "id"),
)

parked: Final = sa.Table(
    "parked",
    kernel_metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("topic", sa.String(128), nullable=False),
    sa.Column("partition", sa.Integer, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("stream", sa.String(96), nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("retry_at", sa.Float),  # NULL: waits for an operator
    sa.Column("source", sa.String(160), nullable=False, server_default=""),  # held while its source is
    sa.UniqueConstraint("topic", "stream", "position", name="parked_place"),
    sa.Index("parked_key", "key", "id"),
    sa.Index("parked_source", "topic", "source", "partition", "key", "id"),
)

# Sources whose records are parked without a try, because too many of them became dead letters.
source_hold: Final = sa.Table(
    "source_hold",
    kernel_metadata,
    sa.Column("topic", sa.String(128), primary_key=True),
    sa.Column("source", sa.String(160), primary_key=True),  # <producer>/<agency>, <producer>, or the topic itself
    sa.Column("since", sa.Float, nullable=False),  # seconds since 1970
    sa.Column("reasons", sa.String(256), nullable=False),  # codes of the dead letters that caused the hold, with counts
)

# How often the process crashed at one record; after three times intake parks it, and stats never goes past it.
crash: Final = sa.Table(
    "crash",
    kernel_metadata,
    sa.Column("topic", sa.String(128), primary_key=True),
    sa.Column("stream", sa.String(96), primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("attempts", sa.Integer, nullable=False),
)
