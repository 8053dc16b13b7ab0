"""Tables between structs and messages, by equal field names.

Built once for each type from the struct and the message descriptor. A field that exists on one side only is an error
when the table is built, except those named in `LOCAL` and `WIRE_ONLY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, cast, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec import Struct, to_builtins
from msgspec.structs import fields

from dispute.lifecycle.commands import (
    Agree,
    ChangeColour,
    Command,
    Link,
    RecordPerformance,
    RefuseMediation,
    Supervise,
)
from dispute.lifecycle.dispute import Dispute
from dispute.lifecycle.events import Event
from dispute.lifecycle.link_payloads import Payload
from dispute.refusals import interfaces as refusals
from dispute.refusals.commands import NAIVE_TIME
from dispute.wire.intake.v1 import intake_pb2
from hub.errors import Refused

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
AS_IT_IS: Final = frozenset({NoneType, str, int, bool, date, datetime, ...})
"""Parts of the type of a field that msgspec writes as the wire has it; codes are texts, structs messages."""
INSTANT: Final = (datetime,)
"""Left to us by msgspec: the wire has a Timestamp, not a text."""


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


class FieldTable:
    """Conversion between one struct and one message.

    Args:
        kind: Type of the struct.
        message: Descriptor of the message.

    Attributes:
        write: Returns the message's fields as `values_of` does: that, or msgspec itself where it writes each field as
            the wire has it.

    Raises:
        TypeError: A field has no counterpart, or no form on the wire.
    """

    def __init__(self, kind: type[Struct], message: Descriptor) -> None:
        self._kind = kind
        self._local = LOCAL.get(kind, frozenset())
        names = [entry.name for entry in fields(kind) if entry.name not in self._local]
        known = message.fields_by_name
        only = WIRE_ONLY.get(message.full_name, frozenset())
        wire = {name for name, field in known.items() if name not in only and field.containing_oneof is None}
        # Payloads share one flat message: each has some of its fields.
        if alone := ", ".join(sorted(set(names) - wire if issubclass(kind, Payload) else set(names) ^ wire)):
            raise TypeError(f"{kind.__name__} and {message.full_name} differ in {alone}")
        hints = get_type_hints(kind)
        rules = {name: _rule(hints[name], known[name].message_type) for name in names}
        odd = {name: encode for name, (encode, _) in rules.items() if encode is not None}
        self._plain = tuple(name for name in names if name not in odd)
        self._plain_of = _getter(self._plain)
        self._by_msgspec = _omits_empty(kind) and all(map(_is_written, hints.values()))
        self._inside = tuple(name for name, encode in odd.items() if self._by_msgspec and encode is to_builtins)
        if self._by_msgspec:
            odd = {name: encode for name, encode in odd.items() if encode not in BY_MSGSPEC}
        self._odd = tuple(odd.items())
        nothing_left = self._by_msgspec and not (self._odd or self._inside or self._local)
        self.write: Encode = to_builtins if nothing_left else self.values_of
        self._odd_of = _getter(tuple(odd))
        self._read = tuple((name, decode) for name, (_, decode) in rules.items())

    def values_of(self, value: Struct) -> dict[str, Any]:
        """Return the message's fields.

        Empty ones are left out; messages inside are dictionaries too.

        Raises:
            Rejected: `naive_time`; the field is the dotted path in the message.
        """
        values = self._written(value) if self._by_msgspec else self._plain_values(value)
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

    def _plain_values(self, value: Struct) -> dict[str, Any]:
        return {name: item for name, item in zip(self._plain, self._plain_of(value), strict=True) if item}

    def _written(self, value: Struct) -> dict[str, Any]:
        """Return what msgspec writes, in one call for all fields; instants and lists of messages are still to do."""
        values: dict[str, Any] = to_builtins(value, builtin_types=INSTANT)
        for name in self._local:
            values.pop(name, None)
        for name in self._inside:
            if not values.get(name, True):
                del values[name]
        return values

    def from_wire(self, message: Message, **given: object) -> object:
        """Return the struct of a message.

        `given` are fields that the message does not have.

        Raises:
            Rejected: `unknown_code`, `bad_date`, `bad_timestamp`, `time_missing`; the field is the dotted path.
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
        return stamp_of, _instant if optional else _needed_instant
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
    table = table_of(kind, message)

    def read(outer: Message, name: str) -> object:
        return table.from_wire(getattr(outer, name)) if not optional or outer.HasField(name) else None

    return table.write, read


def _omits_empty(kind: type[Struct]) -> bool:
    """Tell whether msgspec leaves out the fields that the wire leaves out."""
    local = LOCAL.get(kind, frozenset())
    given = [each.default for each in fields(kind) if not each.required and each.name not in local]
    return bool(kind.__struct_config__.omit_defaults) and not any(given)


def _is_written(hint: object) -> bool:
    """Tell whether msgspec writes a field as the wire has it, but for what its table encodes."""
    parts = get_args(hint) or (hint,)
    return all(part in AS_IT_IS or _is_code(part) or _is_struct(part) for part in parts)


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
        table = table_of(cast("type", inner), message)

        def read(outer: Message, name: str) -> tuple[object, ...]:
            return tuple(table.from_wire(item) for item in getattr(outer, name))

        return lambda items: [table.write(item) for item in items], read
    return list, lambda outer, name: tuple(getattr(outer, name))


def stamp_of(at: datetime) -> dict[str, int]:
    """Return the fields of a Timestamp; `naive_time` without an offset."""
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
BY_MSGSPEC: Final = frozenset({to_builtins, _iso, str, list})
"""Encoders whose work msgspec does where it writes the whole struct: of messages inside, days, codes, lists of them."""


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
        if found is not None:
            return found
        try:
            return kind(text)  # a name of an earlier release
        except ValueError as error:
            raise unknown_code(kind) from error

    return read


def unknown_code(kind: type) -> Refused:
    """Return the refusal of a code that a vocabulary lacks."""
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
def table_of(kind: type[Struct], message: Descriptor) -> FieldTable:
    """Return the table of a struct and a message; `TypeError` when they differ."""
    return FieldTable(kind, message)
