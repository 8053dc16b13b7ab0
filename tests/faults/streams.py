"""Follows the numbered streams of a topic through the raw log: each position once, one hash chain (design D3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from google.protobuf.message import DecodeError

from hub.wire.stream.v1 import stream_pb2
from tests.faults.evidence import Raw

SHARDS: Final = 24
GENESIS: Final = bytes(32)


class Place(NamedTuple):
    """What the headers of a record say."""

    stream: str
    first: int
    size: int
    before: bytes
    after: bytes
    continues: str

    @property
    def shard(self) -> int:
        """The middle of `<producer>/<shard>/<epoch>`."""
        return int(self.stream.split("/")[1])


@dataclass
class Chain:
    """One (producer, shard) across its epochs.

    Attributes:
        stream: Name with the epoch that is written now.
        records: By position - 1; None where the value could not be read.
        names: Stream name of each record.
        hashes: Running hash after each position; `hashes[0]` is before the first.
    """

    stream: str
    records: list[bytes | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=lambda: [GENESIS])

    @property
    def last(self) -> int:
        """Last position."""
        return len(self.records)


@dataclass
class Followed:
    """What a topic holds.

    Attributes:
        chains: By (producer, shard).
        foreign: Records that are no batch, or whose value contradicts its headers: each has to be a dead letter.
        repeats: Numbered records that came more than once.
        problems: Broken promises of the numbering.
    """

    topic: str
    chains: dict[tuple[str, int], Chain] = field(default_factory=dict)
    foreign: list[Raw] = field(default_factory=list)
    repeats: int = 0
    problems: list[str] = field(default_factory=list)

    def numbered(self) -> Iterable[tuple[str, int, bytes]]:
        """Yield (stream, position, record) of all that can be read."""
        for chain in self.chains.values():
            for index, record in enumerate(chain.records):
                if record is not None:
                    yield chain.names[index], index + 1, record


def follow(topic: str, raw: Sequence[Raw], partitions: int) -> Followed:
    """Follow a topic from its first record to its last."""
    found = Followed(topic)
    for record in raw:
        place = place_of(record.headers)
        if record.value is None or place is None:
            found.foreign.append(record)
            continue
        at = f"{topic}/{record.partition}@{record.offset} {place.stream} {place.first}+{place.size}"
        if partitions and place.shard % partitions != record.partition:
            found.problems.append(f"wrong partition: {at}")
        chain = _chain(found, place, at)
        records = _records(record.value, place)
        if records is None:
            found.foreign.append(record)
        _extend(found, chain, place, records, at)
    return found


def place_of(headers: Mapping[str, bytes]) -> Place | None:
    """Return the place that the headers tell; None when they tell none."""
    try:
        stream = headers["ce_stream"].decode()
        before, after = (bytes.fromhex(headers[name].decode()) for name in ("ce_hashbefore", "ce_hashafter"))
        first, count = int(headers["ce_firstposition"]), int(headers["ce_count"])
        producer, shard, epoch = stream.split("/")
    except (KeyError, ValueError):
        return None
    sound = producer and epoch and 0 <= int(shard) < SHARDS and first > 0 and count > 0
    if not sound or len(before) != len(GENESIS) or len(after) != len(GENESIS):
        return None
    return Place(stream, first, count, before, after, headers.get("ce_continuesfrom", b"").decode())


def _records(value: bytes, place: Place) -> Sequence[bytes] | None:
    """Return the records, None when the value is no batch or is not the one that the headers tell of."""
    try:
        batch = stream_pb2.Batch.FromString(value)
    except DecodeError:
        return None
    told = (batch.stream, batch.first_position, batch.count, batch.hash_before, len(batch.records))
    if told != (place.stream, place.first, place.size, place.before, place.size):
        return None
    running = place.before
    for one in batch.records:
        running = hashlib.sha256(running + one).digest()
    return list(batch.records) if running == place.after else None


def _chain(found: Followed, place: Place, at: str) -> Chain:
    producer, shard, _ = place.stream.split("/")
    key = (producer, int(shard))
    chain = found.chains.get(key)
    if chain is None:
        if place.continues:
            found.problems.append(f"continues {place.continues}, of which the log has nothing: {at}")
        chain = found.chains[key] = Chain(place.stream)
    elif chain.stream != place.stream and place.stream not in chain.names:
        if place.continues != f"{chain.stream}@{chain.last}":
            found.problems.append(f"second writer: {chain.stream} ended at {chain.last}: {at}")
        chain.stream = place.stream
    return chain


def _extend(found: Followed, chain: Chain, place: Place, records: Sequence[bytes] | None, at: str) -> None:
    if place.first > chain.last + 1:
        found.problems.append(f"hole: position {chain.last + 1} is missing: {at}")
        lacking = place.first - 1 - chain.last
        chain.records += [None] * lacking
        chain.names += [place.stream] * lacking
        chain.hashes += [place.before] * lacking
    if chain.hashes[place.first - 1] != place.before:
        found.problems.append(f"fork: hash before position {place.first} differs: {at}")
    for index in range(place.size):
        position = place.first + index
        record = None if records is None else records[index]
        if position <= chain.last:
            found.repeats += 1
            if record != chain.records[position - 1]:
                found.problems.append(f"fork: position {position} came with other content: {at}")
            continue
        chain.records.append(record)
        chain.names.append(place.stream)
        told = place.after if record is None else hashlib.sha256(chain.hashes[-1] + record).digest()
        chain.hashes.append(told)
    if chain.hashes[place.first + place.size - 1] != place.after:
        found.problems.append(f"fork: hash after position {place.first + place.size - 1} differs: {at}")
