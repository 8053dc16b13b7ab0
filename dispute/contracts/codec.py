"""Codec wire <-> lifecycle, by equal field names.

Used wherever a command or an event crosses a process. Tables are built once per type from the struct and the message
descriptor. A field that exists on one side only is an error when the table is built, except those named in `LOCAL` and
`WIRE_ONLY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from operator import attrgetter
from re import compile as pattern
from types import NoneType, UnionType
from typing import Any, Final, cast, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import Struct, to_builtins
from msgspec.structs import fields

from dispute.contracts.snapshot import state_from_bytes, state_to_bytes
from dispute.lifecycle.commands import (
    LOCAL_INSTRUCTIONS,
    WIRE_INSTRUCTIONS,
    Agree,
    ChangeColour,
    Command,
    Link,
    RecordPerformance,
    RefuseMediation,
    Supervise,
    WireInstruction,
)
from dispute.lifecycle.dispute import Dispute
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.events import Event
from dispute.lifecycle.link_payloads import Payload
from dispute.refusals import interfaces as refusals
from dispute.refusals.commands import NAIVE_TIME
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Refused

__all__ = [
    "command_from_wire",
    "command_to_wire",
    "dispute_to_wire",
    "event_from_wire",
    "event_to_wire",
    "instant_of",
    "state_from_bytes",
    "state_to_bytes",
    "timestamp_of",
    "under",
]

LOCAL: Final[Mapping[type, frozenset[str]]] = {
    Agree: frozenset({"severable"}),
    ChangeColour: frozenset({"clause"}),
    Link: frozenset({"score", "reasons"}),
    RecordPerformance: frozenset({"penalty"}),
    RefuseMediation: frozenset({"waited"}),
    Supervise: frozenset({"limit"}),
    Event: frozenset({"source_ref", "payload"}),
    Command: frozenset({"instruction", "counted", "limit"}),
    Dispute: frozenset(entry.name for entry in fields(Dispute))
    - frozenset(field.name for field in intake_pb2.Dispute.DESCRIPTOR.fields),
}
"""Fields without a wire field of their own: kept in the process, or (the instruction) a `oneof`."""
WIRE_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "hub.journal.v1.JournalEvent": frozenset({"recorded_at", "particulars"})
}
"""Fields set beside the table: the time of writing, and the payload, whose type depends on the event's."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS_PER_DAY: Final = 86_400
NANOS: Final = 1_000_000_000
REMEMBERED: Final = 4096
AS_IT_IS: Final = frozenset({NoneType, str, int, bool, date, ...})
"""Parts of the type of a field that msgspec writes as the wire has it; codes are texts."""
WORD_START: Final = pattern(r"(?<!^)(?=[A-Z])")


def timestamp_of(at: datetime) -> Timestamp:
    """Return the Timestamp of an aware instant.

    Raises:
        Rejected: `naive_time`.
    """
    return Timestamp(**_stamp(at))


def instant_of(stamp: Timestamp) -> datetime:
    """Return the instant in UTC.

    Cut to microseconds.

    Raises:
        Rejected: `bad_timestamp` when it is out of the calendar's range.
    """
    if not 0 <= stamp.nanos < NANOS:
        raise refusals.BAD_TIMESTAMP.error()
    try:
        return EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    except OverflowError as error:
        raise refusals.BAD_TIMESTAMP.error() from error


def command_to_wire(command: Command) -> command_pb2.Command:
    """Return the message of a command.

    Raises:
        Rejected: `not_on_the_wire` for an instruction that only the hub itself gives: a registration travels as a
            hand-off or a Submit.
    """
    order = command.instruction
    if isinstance(order, LOCAL_INSTRUCTIONS):
        raise refusals.NOT_ON_THE_WIRE.error()
    values = _table(Command, command_pb2.Command.DESCRIPTOR).values_of(command)
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
    table = _table(Command, command_pb2.Command.DESCRIPTOR)
    return cast("Command", table.from_wire(message, instruction=cast("WireInstruction", order)))


def event_to_wire(event: Event, recorded_at: datetime | None = None) -> journal_pb2.JournalEvent:
    """Return the journal's message of an event.

    `recorded_at` is the wall clock at writing.

    Raises:
        Rejected: `naive_time`.
    """
    values = _table(Event, journal_pb2.JournalEvent.DESCRIPTOR).values_of(event)
    if particulars := _writer(type(event.payload), journal_pb2.Particulars.DESCRIPTOR)(event.payload):
        values["particulars"] = particulars
    if recorded_at is not None:
        values["recorded_at"] = _stamp(recorded_at)
    return journal_pb2.JournalEvent(**values)


def event_from_wire(message: journal_pb2.JournalEvent) -> Event:
    """Return the event of a journal's message.

    Its time of recording is left out and its `source_ref` is empty.

    Raises:
        Rejected: as `command_from_wire`.
    """
    table = _table(Event, journal_pb2.JournalEvent.DESCRIPTOR)
    return cast("Event", table.from_wire(message, payload=_payload_from_wire(message)))


def dispute_to_wire(dispute: Dispute) -> intake_pb2.Dispute:
    """Return the message of a dispute, for `IntakeService`."""
    return intake_pb2.Dispute(**_table(Dispute, intake_pb2.Dispute.DESCRIPTOR).values_of(dispute))


# Tables
class _Table:
    """Conversion between one struct and one message."""

    def __init__(self, kind: type, message: Descriptor) -> None:
        self._kind = kind
        local = LOCAL.get(kind, frozenset())
        names = [entry.name for entry in fields(kind) if entry.name not in local]
        known = message.fields_by_name
        only = WIRE_ONLY.get(message.full_name, frozenset())
        wire = {name for name, field in known.items() if name not in only and field.containing_oneof is None}
        # Payloads share one flat message: each has some of its fields.
        if odd := ", ".join(sorted(set(names) - wire if issubclass(kind, Payload) else set(names) ^ wire)):
            raise TypeError(f"{kind.__name__} and {message.full_name} differ in {odd}")
        hints = get_type_hints(kind)
        rules = {name: _rule(hints[name], known[name].message_type) for name in names}
        self._plain = tuple(name for name in names if rules[name][0] is None)
        self._plain_of = _getter(self._plain)
        self._odd = tuple((name, encode) for name, (encode, _) in rules.items() if encode is not None)
        self._odd_of = _getter(tuple(name for name, _ in self._odd))
        self._read = tuple((name, decode) for name, (_, decode) in rules.items())

    def values_of(self, value: object) -> dict[str, Any]:
        """Return the message's fields.

        Empty ones are left out; messages inside are dictionaries too.
        """
        values = {name: item for name, item in zip(self._plain, self._plain_of(value), strict=True) if item}
        for (name, encode), item in zip(self._odd, self._odd_of(value), strict=True):
            # None or an empty tuple: days, instants and structs are never false. What comes of a struct may be empty.
            if not item:
                continue
            try:
                inner = encode(item)
            except Refused as refused:
                raise under(name, refused) from refused
            if inner:
                values[name] = inner
        return values

    def from_wire(self, message: Message, **given: object) -> object:
        """Return the struct of a message.

        `given` are fields that the message does not have.
        """
        for name, decode in self._read:
            if decode is None:
                given[name] = getattr(message, name)
                continue
            try:
                given[name] = decode(message, name)
            except Refused as refused:
                raise under(name, refused) from refused
        return self._kind(**given)


Encode = Callable[[Any], Any]
Decode = Callable[[Message, str], Any]


def _rule(hint: object, message: Descriptor | None) -> tuple[Encode | None, Decode | None]:
    """Return how a field is written and read.

    None means `as it is`.
    """
    parts = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    optional = NoneType in parts
    inner = next(part for part in parts if part is not NoneType)
    if inner in {str, int, bool}:
        return None, None
    if inner is datetime:
        return _stamp, _instant if optional else _needed_instant
    if get_origin(inner) is tuple:
        return _repeated(get_args(inner)[0], message)
    if message is not None and _is_struct(inner):
        return _inside(cast("type[Struct]", inner), message, optional=optional)
    encode, read = _text_rule(inner)
    if optional:
        return encode or str, lambda outer, name: read(text) if (text := getattr(outer, name)) else None
    return encode, lambda outer, name: read(getattr(outer, name))


def _is_struct(inner: object) -> bool:
    return isinstance(inner, type) and issubclass(inner, Struct)


def _inside(kind: type[Struct], message: Descriptor, *, optional: bool) -> tuple[Encode, Decode]:
    table = _table(kind, message)

    def read(outer: Message, name: str) -> object:
        return table.from_wire(getattr(outer, name)) if not optional or outer.HasField(name) else None

    return _writer(kind, message), read


@cache
def _writer(kind: type[Struct], message: Descriptor) -> Encode:
    """Return what makes a message's fields of a struct, without those that are empty.

    msgspec does it far faster than a table, where it writes each field as the wire has it.
    """
    table, hints = _table(kind, message), get_type_hints(kind)
    parts = {part for hint in hints.values() for part in get_args(hint) or (hint,)}
    as_they_are = all(part in AS_IT_IS or _is_code(part) for part in parts)
    empty = kind.__struct_config__.omit_defaults and not any(each.default for each in fields(kind) if not each.required)
    return to_builtins if as_they_are and empty and kind not in LOCAL else table.values_of


def _is_code(inner: object) -> bool:
    return isinstance(inner, type) and issubclass(inner, StrEnum)


def _text_rule(inner: object) -> tuple[Encode | None, Callable[[str], Any]]:
    if inner is date:
        return _iso, day_of
    if _is_code(inner):
        return None, _code(cast("type[StrEnum]", inner))
    raise TypeError(f"no wire form for {inner}")


def _repeated(inner: object, message: Descriptor | None) -> tuple[Encode, Decode]:
    if message is not None and _is_struct(inner):
        table = _table(cast("type", inner), message)

        def read(outer: Message, name: str) -> tuple[object, ...]:
            return tuple(table.from_wire(item) for item in getattr(outer, name))

        return lambda items: [table.values_of(item) for item in items], read
    return list, lambda outer, name: tuple(getattr(outer, name))


def _stamp(at: datetime) -> dict[str, int]:
    if at.tzinfo is None:
        raise NAIVE_TIME.error()
    since = at - EPOCH
    return {"seconds": since.days * SECONDS_PER_DAY + since.seconds, "nanos": since.microseconds * 1000}


def _instant(message: Message, name: str) -> datetime | None:
    return instant_of(getattr(message, name)) if message.HasField(name) else None


def _needed_instant(message: Message, name: str) -> datetime:
    if not message.HasField(name):
        raise refusals.TIME_MISSING.error()
    return instant_of(getattr(message, name))


_iso: Final = lru_cache(maxsize=REMEMBERED)(date.isoformat)
"""Days repeat from event to event."""


@lru_cache(maxsize=REMEMBERED)
def day_of(text: str) -> date:
    """Return the day of a text; `bad_date` unless it is YYYY-MM-DD."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise refusals.BAD_DATE.error() from error
    if day.isoformat() != text:
        raise refusals.BAD_DATE.error()
    return day


def _code(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    members = {member.value: member for member in kind}

    def read(text: str) -> StrEnum:
        found = members.get(text)
        if found is None:
            raise _unknown(kind)
        return found

    return read


def _unknown(kind: type) -> Refused:
    return refusals.UNKNOWN_CODE.error(listed=kind.__name__)


def under(name: str, refused: Refused) -> Refused:
    """Return the same refusal with `name` before its field's path."""
    path = f"{name}.{refused.field}" if refused.field else name
    return replace(refused.refusal, field=path).error()


def _getter(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    single = [attrgetter(name) for name in names]
    return lambda value: tuple(get(value) for get in single)


@cache
def _table(kind: type, message: Descriptor) -> _Table:
    return _Table(kind, message)


def _instruction_table(kind: type) -> _Table:
    return _table(kind, command_pb2.DESCRIPTOR.message_types_by_name[kind.__name__])


PAYLOADS: Final[Mapping[str, _Table]] = {
    kind.value: _table(kind.payload, journal_pb2.Particulars.DESCRIPTOR) for kind in EventKind
}
"""Event type -> how its payload is read and written; made at import, so that a field without a wire form shows then."""


def _payload_from_wire(message: journal_pb2.JournalEvent) -> object:
    table = PAYLOADS.get(message.type)
    if table is None:
        raise under("type", _unknown(EventKind))
    try:
        return table.from_wire(message.particulars)
    except Refused as error:
        raise under("particulars", error) from error


FIELD_OF: Final[Mapping[type, str]] = {kind: WORD_START.sub("_", kind.__name__).lower() for kind in WIRE_INSTRUCTIONS}
TYPE_OF: Final[Mapping[str, type]] = {name: kind for kind, name in FIELD_OF.items()} | {"link_duplicate": Link}
"""Name in the `oneof` -> instruction; an earlier name stays readable."""
