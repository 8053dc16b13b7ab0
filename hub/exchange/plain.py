"""A partner's protobuf message as the plain value that the same DTO of the REST edge validates."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_OUT_OF_RANGE: Final = "?"
"""A Timestamp that no calendar has; the DTO refuses it under the field's name."""


def plain_of(message: Message) -> dict[str, object]:
    """Return the message's fields by their own names.

    An empty string is absent, because proto3 can't tell the two apart; numbers and booleans are always there; a
    Timestamp becomes RFC 3339 text. Unknown fields of a newer client are passed over, as protobuf means it.
    """
    told: dict[str, object] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.is_repeated:
            told[field.name] = [_value(item) for item in value]
        elif field.message_type is not None:
            if message.HasField(field.name):
                told[field.name] = _value(value)
        elif value != "" or field.has_presence:
            told[field.name] = value
    return told


def _value(value: object) -> object:
    if isinstance(value, Timestamp):
        try:
            return value.ToJsonString()
        except ValueError:
            return _OUT_OF_RANGE
    return plain_of(value) if isinstance(value, Message) else value
