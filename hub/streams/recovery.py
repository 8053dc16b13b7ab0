"""Recovers a restored store, or a lost topic.

A restored store takes back from the log what it had published; a lost topic is filled again from the store. Nothing
that was published is lost with a disk: the log still has it, with the same epochs, positions and hashes (ADR-0002,
ADR-0003).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
import structlog

from hub.errors import Fault, Rejected
from hub.refusals import STORE_IN_USE
from hub.store.backups import forget_backup
from hub.store.store import Store, Transaction
from hub.store.tables import outbox as rows
from hub.store.tables import stream_epoch, stream_head, stream_lease
from hub.streams.envelope import GENESIS, BatchPlace, StreamName, extend, place_of
from hub.streams.heads import TopicLog, refuse_fork
from hub.streams.judge import Numbered, StreamKey, StreamPlace, judge
from hub.streams.leases import LEASE_S, unexpired
from hub.streams.outbox import Outbox
from hub.streams.ports import FeedRecord
from hub.streams.topics import Topic, shard_of

AT_ONCE: Final = 2000
"""Records taken back in one transaction; at most one batch more."""
POLL_S: Final = 0.2
MS: Final = 1000

KeyOf = Callable[[bytes], str]
"""Returns the dispute id of a record."""
Adopt = Callable[[Transaction, Sequence[Numbered]], None]
"""Writes what a service derives from its own records, in stream order, in the transaction that takes them back."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RecoveryResult:
    """The result of a recovery.

    Attributes:
        records: Records taken back from the log.
        streams: Number of their streams.
    """

    records: int
    streams: int


@dataclass(slots=True)
class _Haul:
    """Records that wait for their transaction, and the places after them."""

    items: list[tuple[Numbered, float]] = field(default_factory=list)
    ends: dict[int, StreamPlace] = field(default_factory=dict)
    epochs: list[dict[str, Any]] = field(default_factory=list)


def recover(
    store: Store, outbox: Outbox, source: TopicLog, *, key_of: KeyOf, adopt: Adopt, at_once: int = AT_ONCE
) -> RecoveryResult:
    """Take back every own record after the store's head.

    The records come from the log. It may be killed and called again at any time. An empty store is filled from the
    start, if the log still has its first record.

    Args:
        store: Stopped service's; nobody else may write to it meanwhile.
        outbox: What the service publishes; opened.
        source: The log.
        key_of: Dispute id of a record.
        adopt: Called with the records of each transaction.
        at_once: Records of one transaction.

    Raises:
        Rejected: `store_in_use`.
        Fault: `stream_fork`: the store went on by itself after the backup; `stream_hole`: the log lacks records.
        Retryable: `bus_unavailable`.
    """
    refuse_running(store)
    recovery = _Recovery(store, outbox, source, key_of, adopt, at_once)
    return recovery.run()


@dataclass(slots=True)
class _Recovery:
    store: Store
    outbox: Outbox
    source: TopicLog
    key_of: KeyOf
    adopt: Adopt
    at_once: int
    places: dict[StreamKey, StreamPlace] = field(default_factory=dict)
    closed: dict[StreamName, int] = field(default_factory=dict)
    seen: dict[StreamName, BatchPlace] = field(default_factory=dict)
    haul: _Haul = field(default_factory=_Haul)
    records: int = 0
    streams: set[StreamName] = field(default_factory=set)

    def run(self) -> RecoveryResult:
        self.store.read_blocking(self._load)
        topic = self.outbox.topic.name
        for partition, start in sorted(self.source.beginnings(topic).items()):
            for page in self.source.pages(topic, partition, start):
                for record in page:
                    self._take(record)
                    if len(self.haul.items) >= self.at_once:
                        self._flush()
        self._flush()
        self.store.write_blocking(self._finish)
        return RecoveryResult(self.records, len(self.streams))

    def _load(self, tx: Transaction) -> None:
        producer = self.outbox.producer
        for row in tx.execute(sa.select(stream_head)):
            if row.position == 0:
                continue  # an empty stream takes over the epoch of the log
            stream = StreamName(producer, row.shard, row.epoch)
            self.places[producer, row.shard] = StreamPlace(stream, row.position, bytes(row.hash))
        for row in tx.execute(sa.select(stream_epoch).where(stream_epoch.c.continues_epoch.is_not(None))):
            self.closed[StreamName(producer, row.shard, row.continues_epoch)] = row.after_position

    def _take(self, record: FeedRecord) -> None:
        try:
            place = place_of(record.headers)
        except Rejected:
            return  # a foreign record
        if place.stream.producer != self.outbox.producer or record.value is None:
            return
        key = (place.stream.producer, place.stream.shard)
        begins = key not in self.places and place.continues_from is not None and place.continues_from[1] == 0
        if begins and place.continues_from is not None:
            # An epoch before it had no record in this shard: nothing of it can be in the log.
            self.places[key] = StreamPlace(place.continues_from[0], 0, GENESIS)
        verdict = judge(record, self.places, self.closed)
        if verdict.dead is not None:
            raise Fault("stream_hole", f"{place.stream}@{place.first} in the log can't be read: {verdict.dead.reason}")
        if place.stream not in self.seen or self.seen[place.stream].last < place.last:
            self.seen[place.stream] = place
        if verdict.place is None:
            return
        if verdict.closes is not None:
            self.closed[verdict.closes] = self.places[key].position
        if verdict.closes is not None or key not in self.places:
            self.haul.epochs.append(_epoch_row(place))
        self.places[key] = self.haul.ends[place.stream.shard] = verdict.place
        self.haul.items += [(item, record.timestamp_ms / MS) for item in verdict.items]
        self.streams.add(place.stream)

    def _flush(self) -> None:
        haul, self.haul = self.haul, _Haul()
        if not haul.items:
            return
        self.store.write_blocking(lambda tx: self._write(tx, haul))
        self.records += len(haul.items)
        log.info("records_taken_back", producer=self.outbox.producer, records=self.records)

    def _write(self, tx: Transaction, haul: _Haul) -> None:
        heads = {row.shard: row for row in tx.execute(sa.select(stream_head).with_for_update())}
        if haul.epochs:
            # An empty stream never used the epoch that it was created with.
            unused = {row["shard"] for row in haul.epochs if heads[row["shard"]].position == 0}
            tx.execute(sa.delete(stream_epoch).where(stream_epoch.c.shard.in_(sorted(unused))))
            tx.execute(sa.insert(stream_epoch), haul.epochs)
        outbox_rows: list[dict[str, Any]] = []
        hashes: dict[int, bytes] = {}
        for item, at in haul.items:
            shard = item.stream.shard
            key = self.key_of(item.record)
            if shard_of(key) != shard:
                raise Fault("stream_fork", f"{item.stream}@{item.position} belongs to another shard")
            hashes[shard] = extended = extend(hashes.get(shard, bytes(heads[shard].hash)), item.record)
            outbox_rows.append(
                {
                    "shard": shard,
                    "position": item.position,
                    "epoch": item.stream.epoch,
                    "key": key,
                    "record": item.record,
                    "hash": extended,
                    "written_at": at,
                }
            )
        tx.execute(sa.insert(rows), outbox_rows)
        for shard, end in sorted(haul.ends.items()):
            head = heads[shard]
            more = end.position - head.position
            if hashes[shard] != end.hash or more != sum(1 for row in outbox_rows if row["shard"] == shard):
                raise Fault("stream_fork", f"{end.stream}: somebody else wrote to the store during the recovery")
            tx.execute(
                sa.update(stream_head)
                .where(stream_head.c.shard == shard)
                .values(epoch=end.stream.epoch, position=end.position, hash=end.hash, rows=stream_head.c.rows + more)
            )
            _mark_sent(tx, shard, end.position)
        self.adopt(tx, [item for item, _ in haul.items])

    def _finish(self, tx: Transaction) -> None:
        heads = self.outbox.heads(tx)
        for stream, place in sorted(self.seen.items()):
            refuse_fork(tx, place)
            if stream in heads:
                _mark_sent(tx, stream.shard, min(place.last, heads[stream]))
        forget_backup(tx)


def republish(tx: Transaction, topic: Topic, now_s: float) -> int:
    """Have the relay send the topic's records again.

    Records older than the topic's retention are left out: the topic would not hold them any more. Readers drop by
    position what they know.

    Returns:
        How many records.
    """
    first: dict[int, int] = {row.shard: 0 for row in tx.execute(sa.select(stream_head.c.shard))}
    if topic.retention_ms > 0:
        young = rows.c.written_at >= now_s - topic.retention_ms / MS
        query = sa.select(rows.c.shard, sa.func.min(rows.c.position).label("first")).where(young).group_by(rows.c.shard)
        starts = {row.shard: row.first - 1 for row in tx.execute(query)}
        first = {shard: starts[shard] for shard in first if shard in starts}
    count = 0
    for shard, upto in sorted(first.items()):
        c = stream_lease.c
        tx.execute(sa.update(stream_lease).where(c.shard == shard, c.sent_upto > upto).values(sent_upto=upto))
        after = sa.select(sa.func.count()).where(rows.c.shard == shard, rows.c.position > upto)
        count += tx.scalar(after.select_from(rows)) or 0
    return count


def refuse_running(store: Store) -> None:
    """Refuse when a process relays this store.

    It waits for the lease of a killed process to expire.

    Raises:
        Rejected: `store_in_use`.
    """
    deadline = time.monotonic() + LEASE_S + 1
    while holder := store.read_blocking(unexpired):
        if time.monotonic() > deadline:
            raise STORE_IN_USE.error(service=holder)
        time.sleep(POLL_S)


def _epoch_row(place: BatchPlace) -> dict[str, Any]:
    before, after = place.continues_from or (None, 0)
    return {
        "shard": place.stream.shard,
        "epoch": place.stream.epoch,
        "continues_epoch": before.epoch if before is not None else None,
        "after_position": after,
    }


def _mark_sent(tx: Transaction, shard: int, upto: int) -> None:
    c = stream_lease.c
    tx.execute(sa.update(stream_lease).where(c.shard == shard, c.sent_upto < upto).values(sent_upto=upto))
