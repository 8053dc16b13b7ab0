"""Judges a record by a reader's place.

A record is new, a repeat, or dead, or it breaks the numbering. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, repeat
from typing import NamedTuple

from hub.errors import Fault, Rejected
from hub.refusals import TOMBSTONE
from hub.streams.envelope import GENESIS, BatchPlace, StreamName, extend_all, place_of, unpack
from hub.streams.ports import FeedRecord

StreamKey = tuple[str, int]
"""(producer, shard): the stream across its epochs."""


class Numbered(NamedTuple):
    """One record of a stream and its Kafka coordinates.

    It is a tuple, because there is one for each event.
    """

    topic: str
    partition: int
    offset: int
    stream: StreamName
    position: int
    record: bytes


class StreamPlace(NamedTuple):
    """A reader's place in one stream.

    It is the last position that was taken and the running hash there.
    """

    stream: StreamName
    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Dead:
    """A Kafka record that can't be used.

    It may also be one numbered record of a batch.

    Attributes:
        source: The Kafka record as it came.
        reason: Code of the closed list.
        detail: Text for operators, without content.
        stream: Empty when the record is no batch.
        position: First position covered; 0 when it is no batch.
        records: Numbered records covered.
        value: Value of the dead letter; the Kafka record's own value unless one record of a batch is dead.
        held_source: The held source of a letter that found no room (`hub.streams.holds`); empty for any other.
    """

    source: FeedRecord
    reason: str
    detail: str
    stream: str = ""
    position: int = 0
    records: int = 0
    value: bytes | None = None
    held_source: str = ""


class RecordVerdict(NamedTuple):
    """The result of judging one Kafka record.

    Attributes:
        items: New records in order.
        place: The reader's place in that stream afterwards; None when nothing moved.
        closes: A stream whose epoch ended here.
        repeats: Records that were known already.
        dead: Set when the record is a dead letter.
    """

    items: tuple[Numbered, ...] = ()
    place: StreamPlace | None = None
    closes: StreamName | None = None
    repeats: int = 0
    dead: Dead | None = None


def judge(
    source: FeedRecord, places: Mapping[StreamKey, StreamPlace], closed: Mapping[StreamName, int]
) -> RecordVerdict:
    """Judge one Kafka record by the reader's places.

    Args:
        source: The record; offsets were checked before.
        places: Place per stream of the epoch that is read now.
        closed: Last position of each epoch that was continued by another.

    Raises:
        Fault: `stream_hole`, `stream_fork`, `stream_ahead`: the numbering is broken, nothing may be applied.
    """
    if source.value is None:
        tombstone = TOMBSTONE.refusal()
        return RecordVerdict(dead=Dead(source, tombstone.code, tombstone.detail))
    try:
        place = place_of(source.headers)
    except Rejected as error:
        return RecordVerdict(dead=Dead(source, error.code, error.detail))
    if place.stream in closed:
        return _of_closed(place, closed[place.stream])
    ours = places.get((place.stream.producer, place.stream.shard))
    base, closes = _base(place, ours)
    if place.last <= base.position:
        if place.last == base.position and place.hash_after != base.hash:
            raise Fault("stream_fork", f"{place.stream} has other content at position {place.last}")
        return RecordVerdict(repeats=place.count)
    if place.first > base.position + 1:
        raise Fault("stream_hole", f"{place.stream}: expected {base.position + 1}, got {place.first}")
    known = base.position + 1 - place.first
    after = StreamPlace(place.stream, place.last, place.hash_after)
    if known == 0 and place.hash_before != base.hash:
        raise Fault("stream_fork", f"{place.stream} does not continue our hash at position {base.position}")
    try:
        records = unpack(place, source.value)
    except Rejected as error:
        dead = Dead(source, error.code, error.detail, str(place.stream), base.position + 1, place.count - known)
        return RecordVerdict(place=after, closes=closes, repeats=known, dead=dead)
    if known and extend_all(place.hash_before, records[:known]) != base.hash:
        raise Fault("stream_fork", f"{place.stream} has other content at position {base.position}")
    common = (repeat(source.topic), repeat(source.partition), repeat(source.offset), repeat(place.stream))
    items = tuple(map(Numbered, *common, count(place.first + known), records[known:]))
    return RecordVerdict(items=items, place=after, closes=closes, repeats=known)


def _of_closed(place: BatchPlace, end: int) -> RecordVerdict:
    if place.last > end:
        raise Fault("stream_fork", f"{place.stream} goes on after its store continued in a new epoch at {end}")
    return RecordVerdict(repeats=place.count)


def _base(place: BatchPlace, ours: StreamPlace | None) -> tuple[StreamPlace, StreamName | None]:
    """Return our place in a batch's epoch, and the epoch it closes."""
    if ours is not None and ours.stream == place.stream:
        return ours, None
    if ours is None:
        if place.continues_from is not None:
            earlier, end = place.continues_from
            raise Fault("stream_hole", f"{place.stream} continues {earlier} at {end}, of which nothing was read")
        return StreamPlace(place.stream, 0, GENESIS), None
    if place.continues_from is None:
        raise Fault("stream_ahead", f"{place.stream} starts anew, but {ours.stream} was read up to {ours.position}")
    earlier, end = place.continues_from
    if earlier != ours.stream:
        raise Fault("stream_fork", f"{place.stream} continues {earlier}, but we read {ours.stream}")
    if end < ours.position:
        raise Fault("stream_ahead", f"{earlier} was read up to {ours.position}; its restored store ends at {end}")
    if end > ours.position:
        raise Fault("stream_hole", f"{earlier} ended at {end}; we read up to {ours.position}")
    return ours._replace(stream=place.stream), ours.stream
