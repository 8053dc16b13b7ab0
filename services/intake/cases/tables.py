"""Intake's own tables.

Disputes with their timers and numbers, tasks done, pairs and members of matters, effects, sealed parties, sealed exits,
the scenario clock.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

intake_metadata: Final = sa.MetaData()

LATE: Final = sa.text("supervision IS NOT NULL")
"""Nearly no dispute is: the others would make each registration write a page of the index, at a random place."""
TIMED: Final = sa.text("rings_at IS NOT NULL")

# State of each dispute, rebuilt at any time from its records in the outbox.
dispute: Final = sa.Table(
    "dispute",
    intake_metadata,
    sa.Column("dispute_id", sa.String(36), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("procedure", sa.String(32), nullable=False),
    sa.Column("snapshot", sa.LargeBinary, nullable=False),
    sa.Column(
        "facts", sa.LargeBinary, nullable=False, server_default=""
    ),  # what its source reported, in order; no persons
    sa.Column(
        "positions", sa.Text, nullable=False, server_default=""
    ),  # of its records in the outbox, comma-separated, ascending
    sa.Column("marks", sa.LargeBinary),  # by which others of its matter find it; NULL where nothing can be compared
    sa.Column("shard", sa.Integer, nullable=False, server_default="0"),
    sa.Column("timers", sa.LargeBinary, nullable=False, server_default=""),  # JSON; empty where none is set
    sa.Column("rings_at", sa.BigInteger),  # microseconds since 1970, of the timer that rings first; NULL without one
    sa.Column("supervision", sa.String(16)),  # NULL where nothing is late or draws near
    sa.Column("case_code", sa.String(32)),  # NULL where the county is not known, or an earlier release registered it
    sa.Column("approval", sa.LargeBinary),  # JSON; NULL until another person approved something
    sa.Index("dispute_state", "state", "channel", "dispute_id"),
    sa.Index("dispute_case_code", "case_code", unique=True),
    # By the time alone: many ring at one instant, and new ones go to the end of those.
    sa.Index("dispute_rings", "rings_at", sqlite_where=TIMED, postgresql_where=TIMED),
    sa.Index("dispute_supervision", "supervision", "dispute_id", sqlite_where=LATE, postgresql_where=LATE),
)

# Last number given to a case of a county in a year.
case_number: Final = sa.Table(
    "case_number",
    intake_metadata,
    sa.Column("county", sa.String(6), primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# One row for each command, submission and timer that was decided; the same id gets the same answer.
command_done: Final = sa.Table(
    "command_done",
    intake_metadata,
    sa.Column("command_id", sa.String(64), primary_key=True),
    sa.Column("dispute_id", sa.String(36), primary_key=True),  # two workers may meet one reused id on two shards
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("stream", sa.String(96), nullable=False),  # of its last event; empty when it wrote none
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("refusal", sa.String(1024)),  # JSON of the refusal; NULL when carried out
    sa.Column("recorded_at", sa.BigInteger, nullable=False),  # microseconds since 1970
)

# One row for each hand-off that was applied: the book's `applied` is their number.
handoff_applied: Final = sa.Table(
    "handoff_applied",
    intake_metadata,
    sa.Column("handoff_id", sa.String(36), primary_key=True),
    sa.Column("dispute_id", sa.String(36), nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
)

# Which disputes have two people of opposite sides in common; the newest of a pair are read first.
match_pair: Final = sa.Table(
    "match_pair",
    intake_metadata,
    sa.Column("token", sa.String(32), primary_key=True),
    sa.Column("dispute_id", sa.String(36), primary_key=True),
    sa.Column("received_on", sa.String(10), nullable=False),  # ISO date
    sqlite_with_rowid=False,
)

# PostgreSQL only: who writes disputes of a pair locks its row here, because rows that are not there can't be locked.
match_lock: Final = sa.Table(
    "match_lock",
    intake_metadata,
    sa.Column("token", sa.String(32), primary_key=True),
)

# Which disputes were linked to which; made of their events.
matter_member: Final = sa.Table(
    "matter_member",
    intake_metadata,
    sa.Column("dispute_id", sa.String(36), primary_key=True),
    sa.Column("master_dispute_id", sa.String(36), nullable=False),
    sa.Index("matter_member_master", "master_dispute_id"),
    sqlite_with_rowid=False,
)

# Results on their way to other disputes of their matter; gone when they were carried out.
effect: Final = sa.Table(
    "effect",
    intake_metadata,
    sa.Column("effect_id", sa.String(36), primary_key=True),
    sa.Column("dispute_id", sa.String(36), nullable=False),  # that hears it
    sa.Column("occurred_at", sa.BigInteger, nullable=False),  # microseconds since 1970
    sa.Column("recorded_at", sa.BigInteger, nullable=False),  # as above
    sa.Column("sequence", sa.BigInteger, nullable=False),  # of the event at its own dispute
    sa.Column("result", sa.LargeBinary, nullable=False),  # JSON
    sa.Index("effect_order", "recorded_at", "sequence", "effect_id"),
)

# Which holiday tables the provisional dates of a dispute wait for.
missing_year: Final = sa.Table(
    "missing_year",
    intake_metadata,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("dispute_id", sa.String(36), primary_key=True),
    sa.Index("missing_year_dispute", "dispute_id"),
)

# Parties and free text, sealed: a `Sealed` with parts, whose keys are in the ring `party-ring`. Rows of earlier
# releases are sealed as one, with a key that is in `wrapped_key`.
confidential: Final = sa.Table(
    "confidential",
    intake_metadata,
    sa.Column("dispute_id", sa.String(36), primary_key=True),
    sa.Column("agency", sa.String(64), nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),  # empty where there are parts
    sa.Column("nonce", sa.LargeBinary(12), nullable=False),  # as above
    sa.Column("ciphertext", sa.LargeBinary, nullable=False),
)

# Who was forgotten: which keys must not be there any more, whatever copy of them comes back.
forgotten_party: Final = sa.Table(
    "forgotten_party",
    intake_metadata,
    sa.Column("dispute_id", sa.String(36), primary_key=True),
    sa.Column("party", sa.Integer, primary_key=True, autoincrement=False),  # in the order of the source, from 1
    sa.Column("agency", sa.String(64), nullable=False),
    sa.Column("handoff_id", sa.String(64), nullable=False),  # what registered the dispute
    sa.Column("parties", sa.Integer, nullable=False),  # how many the dispute had
    sa.Column("forgotten_at", sa.BigInteger, nullable=False),  # microseconds since 1970
)

# Accusations on their way to the discipline inspection body, sealed with a key of their own; no column names a dispute.
sealed_exit: Final = sa.Table(
    "sealed_exit",
    intake_metadata,
    sa.Column("exit_id", sa.String(36), primary_key=True),
    sa.Column("organ", sa.String(64), nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),  # microseconds since 1970
    sa.Column("target", sa.String(32), nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("nonce", sa.LargeBinary(12), nullable=False),
    sa.Column("ciphertext", sa.LargeBinary, nullable=False),
    sa.Column("fetched_at", sa.BigInteger),  # NULL while nobody fetched it
)

scenario_clock: Final = sa.Table(
    "scenario_clock",
    intake_metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("now_at", sa.BigInteger, nullable=False),  # microseconds since 1970
)

# Moves of the scenario clock: which business time it was when a record was written down.
clock_move: Final = sa.Table(
    "clock_move",
    intake_metadata,
    sa.Column("now_at", sa.BigInteger, primary_key=True, autoincrement=False),  # microseconds since 1970
    sa.Column("moved_at", sa.BigInteger, nullable=False),  # wall clock, as above
)
