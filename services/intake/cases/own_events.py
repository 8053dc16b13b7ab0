"""Reads intake's own events: those of a recovery, and those that a dispute has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from google.protobuf.message import DecodeError

from dispute.contracts.codec import event_from_wire, instant_of
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Fault, Refused
from hub.store.prepared import parts
from hub.store.store import Transaction
from hub.streams.judge import Numbered
from hub.streams.outbox import records_at
from services.intake.cases.ports import EventPlace
from services.intake.cases.recovery import Recalled
from services.intake.cases.tables import dispute

_POSITIONS: Final = sa.select(dispute.c.dispute_id, dispute.c.positions).where(
    dispute.c.dispute_id.in_(sa.bindparam("ids", expanding=True))
)


def dispute_of(record: bytes) -> str:
    """Return the dispute of an event; errors as `recalled_of`."""
    return _message(record).dispute_id


def recalled_of(item: Numbered) -> Recalled:
    """Return the event of a record of intake.

    Raises:
        Fault: `history_broken`: it can't be read, so another release or somebody else wrote it.
    """
    message = _message(item.record)
    try:
        event, recorded_at = event_from_wire(message), instant_of(message.recorded_at)
    except Refused as error:
        raise Fault("history_broken", f"{item.stream}@{item.position} can't be read: {error.code}") from error
    return Recalled(event, EventPlace(str(item.stream), item.position), recorded_at)


def events_of(tx: Transaction, dispute_ids: Sequence[str]) -> dict[str, tuple[journal_pb2.JournalEvent, ...]]:
    """Return every event of disputes that exist, in order, as messages."""
    positions = {
        row.dispute_id: [int(position) for position in row.positions.split(",") if position]
        for ids in parts(dispute_ids)
        for row in tx.execute(_POSITIONS, {"ids": ids})
    }
    read = journal_pb2.JournalEvent.FromString
    return {of: tuple(map(read, records)) for of, records in records_at(tx, positions).items()}


def _message(record: bytes) -> journal_pb2.JournalEvent:
    try:
        return journal_pb2.JournalEvent.FromString(record)
    except DecodeError as error:
        raise Fault("history_broken", "a record of the journal is no event") from error
