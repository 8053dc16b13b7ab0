"""Golden bytes: one sample per message of every proto package, decoded for ever.

`python -m tests.support.golden` writes the samples that are missing and never touches one that exists: a message
that gained a field keeps its old sample, which must still decode. To pin the gained field too, give the newer sample
a name of its own: `python -m tests.support.golden 2` writes `<message>.2.json` and `.2.bin` where they differ from
every sample before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "tests" / "contract" / "golden"
PROTOS: Final = ROOT / "protos"
SECONDS: Final = 1_709_258_400
"""2024-03-01T02:00:00Z."""
NUMBERS: Final = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}


@dataclass(frozen=True)
class Sample:
    """One sample: a message with every field set, with one member of each `oneof`.

    Attributes:
        name: File name without ending: full name of the message, and of the member where there is a choice.
        message: The message.
    """

    name: str
    message: Message


def messages() -> Iterator[Descriptor]:
    """Every message of every proto package, nested ones too, in the order of the files."""
    for path in sorted(PROTOS.rglob("*.proto")):
        relative = path.relative_to(PROTOS / "hub").with_suffix("")
        room = "hub" if (ROOT / "hub" / "wire" / relative.parts[0]).is_dir() else "dispute"
        module = import_module(f"{room}.wire.{'.'.join(relative.parts)}_pb2")
        for descriptor in module.DESCRIPTOR.message_types_by_name.values():
            yield from nested(descriptor)


def nested(descriptor: Descriptor) -> Iterator[Descriptor]:
    """The message and those inside it; entries of maps are no messages of ours."""
    if not descriptor.GetOptions().map_entry:
        yield descriptor
        for inner in descriptor.nested_types:
            yield from nested(inner)


def samples() -> Iterator[Sample]:
    """Every sample that there should be."""
    for descriptor in messages():
        members = [
            field.name
            for choice in descriptor.oneofs
            for field in choice.fields
            if not choice.name.startswith("_")  # an optional field is a choice with a made-up name
        ]
        for member in members or [""]:
            name = f"{descriptor.full_name}.{member}" if member else descriptor.full_name
            yield Sample(name, filled(descriptor, member))


def filled(descriptor: Descriptor, member: str = "") -> Message:
    """A message with every field set to something that names the field, so that two swapped fields show."""
    if descriptor.full_name == Timestamp.DESCRIPTOR.full_name:
        return Timestamp(seconds=SECONDS, nanos=123_456_000)
    message = class_of(descriptor)()
    for field in descriptor.fields:
        choice = field.containing_oneof
        chosen = choice is None or choice.name.startswith("_")
        if not chosen and choice is not None:
            chosen = field.name == (member or choice.fields[0].name)
        if chosen:
            fill(message, field)
    return message


def fill(message: Message, field: Any) -> None:  # noqa: ANN401 - the two descriptor types of the stubs have no common name
    """Set one field; a repeated one gets two items."""
    if field.is_repeated:
        items = getattr(message, field.name)
        if field.message_type is None:
            items.extend([scalar(field), scalar(field)])
        else:
            items.add().CopyFrom(filled(field.message_type))
    elif field.message_type is None:
        setattr(message, field.name, scalar(field))
    else:
        getattr(message, field.name).CopyFrom(filled(field.message_type))


def scalar(field: Any) -> object:  # noqa: ANN401 - as above
    """A value that names its field by name or number."""
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return f"{field.name}·样" if field.type != FieldDescriptor.TYPE_BYTES else field.name.encode() + b"\x00\xff"
        case FieldDescriptor.CPPTYPE_BOOL:
            return True
        case kind if kind in NUMBERS:
            return 1000 + field.number
        case _:
            raise TypeError(f"no sample for {field.full_name}")


def class_of(descriptor: Descriptor) -> type[Message]:
    """The generated class of a message."""
    return GetMessageClass(descriptor)


def write_missing(version: str = "") -> list[str]:
    """Write the samples that have no file yet; return their names."""
    written = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    for sample in samples():
        name = f"{sample.name}.{version}" if version else sample.name
        binary = FOLDER / f"{name}.bin"
        content = sample.message.SerializeToString(deterministic=True)
        before = [path.read_bytes() for path in FOLDER.glob(f"{sample.name}.bin")]
        before += [path.read_bytes() for path in FOLDER.glob(f"{sample.name}.[0-9]*.bin")]
        if binary.exists() or (version and content in before):
            continue
        text = json_format.MessageToJson(sample.message, preserving_proto_field_name=True, ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        binary.write_bytes(content)
        written.append(name)
    return written


if __name__ == "__main__":
    sys.stdout.write("\n".join(write_missing(*sys.argv[1:2])) + "\n")
