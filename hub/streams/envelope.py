"""The envelope of a batch in a numbered stream.

It defines the streams' names, their running hash, and the batch's headers.
"""

from __future__ import annotations

import hashlib
from binascii import unhexlify
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from google.protobuf.message import DecodeError
from msgspec import Struct
from typing_extensions import override

from hub.errors import Rejected
from hub.refusals import BAD_STREAM_NAME, NOT_A_BATCH, PLACE_MISMATCH, UNDECODABLE
from hub.streams.topics import Topic
from hub.wire.stream.v1 import stream_pb2

GENESIS: Final = bytes(32)
"""Running hash before position 1 of a stream's first epoch."""

COUNT_DIGITS: Final = 10
"""A stated count with this many digits or more is ignored: a batch never holds so many records."""

Headers = Sequence[tuple[str, bytes]]


class StreamName(Struct, frozen=True, order=True):
    """The name of a stream: producer, shard and epoch.

    It is written `<producer>/<shard>/<epoch>`.
    """

    producer: str
    shard: int
    epoch: str

    @override
    def __str__(self) -> str:
        return f"{self.producer}/{self.shard}/{self.epoch}"

    @classmethod
    def parse(cls, text: str) -> StreamName:
        """Read `<producer>/<shard>/<epoch>`.

        Raises:
            Rejected: `bad_stream_name`.
        """
        producer, _, rest = text.partition("/")
        shard, _, epoch = rest.partition("/")
        if not producer or not shard.isascii() or not shard.isdigit() or not epoch:
            raise BAD_STREAM_NAME.error()
        return cls(producer, int(shard), epoch)


def extend(running: bytes, record: bytes) -> bytes:
    """Return the running hash after `record`.

    It is SHA-256(running || record), 32 bytes.
    """
    return hashlib.sha256(running + record).digest()


def extend_all(running: bytes, records: Iterable[bytes]) -> bytes:
    """Return the running hash after all `records`."""
    for record in records:
        running = hashlib.sha256(running + record).digest()
    return running


@dataclass(frozen=True, slots=True)
class BatchPlace:
    """A batch's place in its stream, from its headers.

    It is enough to skip a value that can't be decoded.

    Attributes:
        stream: Which stream.
        first: Position of the first record, from 1.
        count: Number of records, at least 1.
        hash_before: Running hash before the first record, 32 bytes.
        hash_after: Running hash after the last record, 32 bytes.
        continues_from: Where the epoch before ended for the producer's store; None in a first epoch.
    """

    stream: StreamName
    first: int
    count: int
    hash_before: bytes
    hash_after: bytes
    continues_from: tuple[StreamName, int] | None = None

    @property
    def last(self) -> int:
        """Position of the last record."""
        return self.first + self.count - 1


@dataclass(frozen=True, slots=True)
class Message:
    """A message for Kafka.

    It is one batch (or dead letter) for one partition of one topic.
    """

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Headers = field(default_factory=tuple)


def pack(topic: Topic, place: BatchPlace, records: Sequence[bytes], *, partition: int, written_at: datetime) -> Message:
    """Return the Kafka message of one batch.

    Args:
        topic: Row of the catalogue.
        place: Its `count` equals `len(records)`.
        records: Serialised messages of the topic's record type.
        partition: Target partition.
        written_at: UTC; CloudEvents time.
    """
    batch = stream_pb2.Batch(
        stream=str(place.stream),
        first_position=place.first,
        count=place.count,
        hash_before=place.hash_before,
        records=records,
    )
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{place.stream}/{place.first}-{place.last}".encode()),
        ("ce_source", f"/hub/{place.stream.producer}/{place.stream.shard}".encode()),
        ("ce_type", topic.ce_type.encode()),
        ("ce_time", written_at.isoformat().encode()),
        ("content-type", b"application/protobuf"),
        ("ce_partitionkey", str(place.stream.shard).encode()),
        ("ce_stream", str(place.stream).encode()),
        ("ce_firstposition", str(place.first).encode()),
        ("ce_count", str(place.count).encode()),
        ("ce_hashbefore", place.hash_before.hex().encode()),
        ("ce_hashafter", place.hash_after.hex().encode()),
    ]
    if place.continues_from is not None:
        stream, position = place.continues_from
        batch.continues_from.stream, batch.continues_from.position = str(stream), position
        headers.append(("ce_continuesfrom", f"{stream}@{position}".encode()))
    return Message(topic.name, partition, str(place.stream.shard).encode(), batch.SerializeToString(), tuple(headers))


@lru_cache(maxsize=1024)
def _stream_of(header: bytes) -> StreamName:
    """Parse a stream's name, with a cache.

    There are only a few dozen names, and every message has one.
    """
    return StreamName.parse(header.decode())


def place_of(headers: Headers) -> BatchPlace:
    """Return the place that a record's headers name.

    Raises:
        Rejected: `not_a_batch` when a header is missing or unreadable: a foreign producer wrote it.
    """
    named: Mapping[str, bytes] = dict(headers)
    try:
        before, after = unhexlify(named["ce_hashbefore"]), unhexlify(named["ce_hashafter"])
        first, count = int(named["ce_firstposition"]), int(named["ce_count"])
        stream = _stream_of(named["ce_stream"])
        continues = None
        if "ce_continuesfrom" in named:
            name, _, position = named["ce_continuesfrom"].decode().rpartition("@")
            continues = (StreamName.parse(name), int(position))
    except (KeyError, ValueError, TypeError, AttributeError, Rejected) as error:  # a header may also be null
        raise NOT_A_BATCH.error() from error
    if first < 1 or count < 1 or len(before) != len(GENESIS) or len(after) != len(GENESIS):
        raise NOT_A_BATCH.error()
    return BatchPlace(stream, first, count, before, after, continues)


def stated_count(headers: Headers) -> int:
    """Return the number of records that the headers state.

    No other header is read. 1 when they state none.
    """
    for name, value in headers:
        if name == "ce_count":
            return int(value) if value and value.isdigit() and len(value) < COUNT_DIGITS else 1
    return 1


def unpack(place: BatchPlace, value: bytes) -> tuple[bytes, ...]:
    """Return the records of a batch.

    Its headers named `place`.

    Raises:
        Rejected: `undecodable` when the value is no batch, `place_mismatch` when it contradicts its headers.
    """
    try:
        batch = stream_pb2.Batch.FromString(value)
    except DecodeError as error:
        raise UNDECODABLE.error(message="Batch") from error
    records = tuple(batch.records)
    stated = (batch.stream, batch.first_position, batch.count, batch.hash_before, len(records))
    if stated != (str(place.stream), place.first, place.count, place.hash_before, place.count):
        raise PLACE_MISMATCH.error()
    if extend_all(place.hash_before, records) != place.hash_after:
        raise PLACE_MISMATCH.error()
    return records
