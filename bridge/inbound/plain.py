"""Turns a partner's protobuf message into plain values.

The DTO of the REST edge validates them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_OUT_OF_RANGE: Final = "?"
"""Value of a Timestamp that is out of range; the DTO refuses it under the field's name."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS: Final = range(-62_135_596_800, 253_402_300_800)
"""From 0001-01-01 to the end of 9999: the range of a Timestamp."""
_NANOS: Final = range(1_000_000_000)

Read = Callable[..., object]


class _Shape(NamedTuple):
    """Names of a message's fields by how they are read."""

    always: tuple[str, ...]
    texts: tuple[str, ...]
    present: tuple[tuple[str, Read], ...]
    many: tuple[tuple[str, Read], ...]


def plain_of(message: Message) -> dict[str, object]:
    """Return the message's fields by name.

    An empty string is absent, because proto3 can't tell the two apart; numbers and booleans are always there, unless
    their field is optional; a Timestamp becomes an aware instant. Unknown fields of a newer client are ignored, as
    protobuf intends.
    """
    shape = _shape(type(message))  # type: ignore[arg-type] # the stub confuses the instances' __hash__ with the class's
    fields: dict[str, object] = {name: getattr(message, name) for name in shape.always}
    for name in shape.texts:
        if text := getattr(message, name):
            fields[name] = text
    for name, read in shape.present:
        if message.HasField(name):
            fields[name] = read(getattr(message, name))
    for name, read in shape.many:
        fields[name] = [*map(read, getattr(message, name))]
    return fields


@cache
def _shape(kind: type[Message]) -> _Shape:
    """Group the fields of a message once.

    Asking each field's descriptor at each message would be most of the cost.
    """
    fields: Sequence[Any] = kind.DESCRIPTOR.fields  # two classes in the stubs, one at run time
    single = [field for field in fields if not field.is_repeated]
    texts = {field.name for field in single if field.type == FieldDescriptor.TYPE_STRING and not field.has_presence}
    return _Shape(
        tuple(field.name for field in single if not field.has_presence and field.name not in texts),
        tuple(field.name for field in single if field.name in texts),
        tuple((field.name, _reader(field)) for field in single if field.has_presence),
        tuple((field.name, _reader(field)) for field in fields if field.is_repeated),
    )


def _reader(field: FieldDescriptor) -> Read:
    if field.message_type is None:
        return _itself
    return _instant if field.message_type.full_name == Timestamp.DESCRIPTOR.full_name else plain_of


def _itself(value: object) -> object:
    return value


def _instant(timestamp: Timestamp) -> datetime | str:
    if timestamp.seconds not in _SECONDS or timestamp.nanos not in _NANOS:
        return _OUT_OF_RANGE
    return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)
