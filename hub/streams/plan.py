"""Plans what Kafka records do to a reader's places.

The plan is made before the transaction. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from hub.errors import Rejected
from hub.streams.envelope import StreamName, place_of, stated_count
from hub.streams.inbox import Move, Places
from hub.streams.judge import Dead, Numbered, StreamKey, StreamPlace, judge
from hub.streams.ports import FeedRecord

EVENTS_LIMIT: Final = 4000
"""Events applied in one transaction at most, unless one batch alone holds more."""


@dataclass(slots=True)
class Plan:
    """New records, dead letters, and the resulting places.

    Attributes:
        moves: Per partition, from which offset to which.
        before: Stream places that the plan started from, of the streams that move.
        streams: Stream places after it.
        closed: Epochs that ended, and our place at their end.
        items: New records in order.
        dead: Kafka records that are dead as a whole.
        repeats: Records dropped because they were known.
    """

    moves: dict[int, Move] = field(default_factory=dict)
    before: dict[StreamKey, StreamPlace] = field(default_factory=dict)
    streams: dict[StreamKey, StreamPlace] = field(default_factory=dict)
    closed: dict[StreamName, StreamPlace] = field(default_factory=dict)
    items: list[Numbered] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)
    repeats: int = 0


def plan_of(records: Sequence[FeedRecord], places: Places) -> Plan:
    """Judge records by the reader's places.

    The records' offsets have no holes.

    Raises:
        Fault: A stream's numbering is broken.
    """
    plan = Plan()
    streams, closed = dict(places.streams), dict(places.closed)
    repeats: dict[int, int] = {}
    ends: dict[int, int] = {}
    for record in records:
        partition = record.partition
        expected = ends.setdefault(partition, places.offsets.get(partition, 0))
        if record.offset < expected:
            # The consumer went back (a rebalance, a stale commit): a repeat, so it is not decoded.
            repeats[partition] = repeats.get(partition, 0) + count_of(record)
            continue
        ends[partition] = record.offset + 1
        verdict = judge(record, streams, closed)
        repeats[partition] = repeats.get(partition, 0) + verdict.repeats
        plan.items.extend(verdict.items)
        if verdict.dead is not None:
            plan.dead.append(verdict.dead)
        if verdict.place is None:
            continue
        key = (verdict.place.stream.producer, verdict.place.stream.shard)
        if key in places.streams:
            plan.before.setdefault(key, places.streams[key])
        if verdict.closes is not None:
            plan.closed[verdict.closes] = streams[key]
            closed[verdict.closes] = streams[key].position
        streams[key] = plan.streams[key] = verdict.place
    for partition, end in ends.items():
        plan.moves[partition] = Move(places.offsets.get(partition, 0), end, repeats.get(partition, 0))
    plan.repeats = sum(repeats.values())
    return plan


def count_of(record: FeedRecord) -> int:
    """Return how many events a record claims to hold.

    1 when it is no batch.
    """
    try:
        return place_of(record.headers).count
    except Rejected:
        return 1


def chunks_of(records: Sequence[FeedRecord]) -> Iterator[list[FeedRecord]]:
    """Split records into chunks of one transaction each.

    A chunk holds a bounded number of events, however many records they are in.
    """
    chunk: list[FeedRecord] = []
    events = 0
    for record in records:
        more = stated_count(record.headers)
        if chunk and events + more > EVENTS_LIMIT:
            yield chunk
            chunk, events = [], 0
        chunk.append(record)
        events += more
    if chunk:
        yield chunk
