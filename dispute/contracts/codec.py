"""Codec wire <-> lifecycle, by equal field names.

Used wherever a command or an event crosses a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from re import compile as pattern
from typing import Final, cast

from google.protobuf.timestamp_pb2 import Timestamp

from dispute.contracts.field_tables import (
    FieldTable,
    day_of,
    instant_of,
    stamp_of,
    table_of,
    under,
    unknown_code,
)
from dispute.contracts.snapshot import state_from_bytes, state_to_bytes
from dispute.lifecycle.commands import LOCAL_INSTRUCTIONS, WIRE_INSTRUCTIONS, Command, Link, WireInstruction
from dispute.lifecycle.dispute import Dispute
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.events import Event
from dispute.refusals import interfaces as refusals
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Refused

__all__ = [
    "command_from_wire",
    "command_to_wire",
    "day_of",
    "dispute_to_wire",
    "event_from_wire",
    "event_to_wire",
    "instant_of",
    "state_from_bytes",
    "state_to_bytes",
    "timestamp_of",
    "under",
]

WORD_START: Final = pattern(r"(?<!^)(?=[A-Z])")


def timestamp_of(at: datetime) -> Timestamp:
    """Return the Timestamp of an aware instant.

    Raises:
        Rejected: `naive_time`.
    """
    return Timestamp(**stamp_of(at))


def command_to_wire(command: Command) -> command_pb2.Command:
    """Return the message of a command.

    Raises:
        Rejected: `not_on_the_wire` for an instruction that only the hub itself gives: a registration travels as a
            hand-off or a Submit.
    """
    order = command.instruction
    if isinstance(order, LOCAL_INSTRUCTIONS):
        raise refusals.NOT_ON_THE_WIRE.error()
    values = table_of(Command, command_pb2.Command.DESCRIPTOR).values_of(command)
    values[FIELD_OF[type(order)]] = _instruction_table(type(order)).values_of(order)
    return command_pb2.Command(**values)


def command_from_wire(message: command_pb2.Command) -> Command:
    """Return the command of a message.

    Raises:
        Rejected: `instruction_missing`, `unknown_code`, `bad_date`, `bad_timestamp`, `time_missing`; the field is the
            dotted path in the message, for example `dispatch.level`.
    """
    chosen = message.WhichOneof("instruction")
    if chosen is None:
        raise refusals.INSTRUCTION_MISSING.error()
    try:
        order = _instruction_table(TYPE_OF[chosen]).from_wire(getattr(message, chosen))
    except Refused as refused:
        raise under(chosen, refused) from refused
    table = table_of(Command, command_pb2.Command.DESCRIPTOR)
    return cast("Command", table.from_wire(message, instruction=cast("WireInstruction", order)))


def event_to_wire(event: Event, recorded_at: datetime | None = None) -> journal_pb2.JournalEvent:
    """Return the journal's message of an event.

    `recorded_at` is the wall clock at writing.

    Raises:
        Rejected: `naive_time`.
    """
    values = table_of(Event, journal_pb2.JournalEvent.DESCRIPTOR).values_of(event)
    if particulars := table_of(type(event.payload), journal_pb2.Particulars.DESCRIPTOR).write(event.payload):
        values["particulars"] = particulars
    if recorded_at is not None:
        values["recorded_at"] = stamp_of(recorded_at)
    return journal_pb2.JournalEvent(**values)


def event_from_wire(message: journal_pb2.JournalEvent) -> Event:
    """Return the event of a journal's message.

    Its time of recording is left out and its `source_ref` is empty.

    Raises:
        Rejected: as `command_from_wire`.
    """
    table = table_of(Event, journal_pb2.JournalEvent.DESCRIPTOR)
    return cast("Event", table.from_wire(message, payload=_payload_from_wire(message)))


def dispute_to_wire(dispute: Dispute) -> intake_pb2.Dispute:
    """Return the message of a dispute, for `IntakeService`."""
    return intake_pb2.Dispute(**table_of(Dispute, intake_pb2.Dispute.DESCRIPTOR).values_of(dispute))


def _instruction_table(kind: type) -> FieldTable:
    return table_of(kind, command_pb2.DESCRIPTOR.message_types_by_name[kind.__name__])


PAYLOADS: Final[Mapping[str, FieldTable]] = {
    kind.value: table_of(kind.payload, journal_pb2.Particulars.DESCRIPTOR) for kind in EventKind
}
"""Event type -> how its payload is read and written; made at import, so that a field without a wire form shows then."""


def _payload_from_wire(message: journal_pb2.JournalEvent) -> object:
    table = PAYLOADS.get(message.type)
    if table is None:
        raise under("type", unknown_code(EventKind))
    try:
        return table.from_wire(message.particulars)
    except Refused as error:
        raise under("particulars", error) from error


FIELD_OF: Final[Mapping[type, str]] = {kind: WORD_START.sub("_", kind.__name__).lower() for kind in WIRE_INSTRUCTIONS}
TYPE_OF: Final[Mapping[str, type]] = {name: kind for kind, name in FIELD_OF.items()} | {"link_duplicate": Link}
"""Name in the `oneof` -> instruction; an earlier name stays readable."""
