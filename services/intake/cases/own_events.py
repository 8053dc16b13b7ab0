"""Reads intake's own events for a recovery."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from dispute.contracts.codec import event_from_wire, instant_of
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Fault, Refused
from hub.streams.judge import Numbered
from services.intake.cases.ports import EventPlace
from services.intake.cases.recovery import Recalled


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


def _message(record: bytes) -> journal_pb2.JournalEvent:
    try:
        return journal_pb2.JournalEvent.FromString(record)
    except DecodeError as error:
        raise Fault("history_broken", "a record of the journal is no event") from error
