"""Checks whether a store is behind its own log.

The check is made before a service serves and before its relay sends. A row is committed before it is sent, so the store
is never behind the log, whenever a process is killed. A log that is ahead therefore means one thing: the store was
restored from a backup, or two copies of it are running.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import sqlalchemy as sa
import structlog

from hub.errors import Fault, Rejected, Retryable
from hub.store.backups import taken_at
from hub.store.store import Store, Transaction
from hub.store.tables import outbox as rows
from hub.store.tables import stream_epoch, stream_head
from hub.streams.envelope import BatchPlace, StreamName, place_of
from hub.streams.outbox import Outbox
from hub.streams.ports import FeedRecord

MARGIN_S: Final = 60.0
"""How far before our newest row the log is read first: messages wait, and clocks differ a little."""
FURTHER: Final = 8
"""How many times further back when the log has nothing there that the store knows: our clock was ahead of the log's."""

log = structlog.get_logger(__name__)


class TopicLog(Protocol):
    """Reads a topic, independent of any reader.

    Every method raises Retryable `bus_unavailable` while the bus can't be reached or the topic does not exist.
    """

    def beginnings(self, topic: str) -> Mapping[int, int]:
        """Return partition -> first offset still in the log."""

    def since(self, topic: str, at_s: float) -> Mapping[int, int]:
        """Return partition -> first offset since a time.

        That is the first one written at or after it; the log's end when there is none.
        """

    def pages(self, topic: str, partition: int, start: int, end: int | None = None) -> Iterator[Sequence[FeedRecord]]:
        """Yield the records in [start, end).

        With `end` None, up to the log's present end.
        """

    def close(self) -> None:
        """Close the connections."""


OpenLog = Callable[[], TopicLog]


class HeadGuard:
    """Compares the store's heads with the log.

    Once they were found right, they are never compared again in this process. Only the end of the log is read: what was
    written from `MARGIN_S` before the store's newest row on, and further back until a record is found that the store
    knows (our clock stamps the rows, the broker's clock the log). Whatever a backup lacks was written after its newest
    row. A store without any row reads on to the first record of its own.

    Args:
        store: The service's store, its outbox opened.
        outbox: What it publishes.
        open_log: Opens the log; called in the checking thread.
        partitions: Partitions that the service expects: with another number a shard would go to a wrong partition.
    """

    def __init__(self, store: Store, outbox: Outbox, open_log: OpenLog, *, partitions: int) -> None:
        self._store = store
        self._outbox = outbox
        self._open_log = open_log
        self._partitions = partitions
        self._lock = threading.Lock()
        self._passed = False

    def check(self) -> None:
        """Compare the heads; blocks.

        Raises:
            Fault: `store_restored`: the log is ahead; `stream_fork`: the log has other content than the store;
                `topic_mismatch`: the topic has other partitions.
            Retryable: `bus_unavailable`: not known yet.
        """
        with self._lock:
            if self._passed:
                return
            backup = self._store.read_blocking(taken_at)
            if backup is not None:
                raise _restored(self._outbox.producer, f"this is the backup of {backup}")
            newest, known = self._store.read_blocking(lambda tx: (newest_row(tx), self._outbox.heads(tx)))
            source = self._open_log()
            try:
                tail = self._tail(source, newest, known)
            finally:
                source.close()
            # Heads are read after the log: another worker may have written, and published, in between.
            self._store.read_blocking(lambda tx: self._compare(tx, tail))
            self._passed = True

    def _tail(
        self, source: TopicLog, newest: float | None, known: Mapping[StreamName, int]
    ) -> dict[StreamName, BatchPlace]:
        topic = self._outbox.topic.name
        beginnings = source.beginnings(topic)
        if len(beginnings) != self._partitions:
            raise Fault("topic_mismatch", f"{topic} has {len(beginnings)} partitions, {self._partitions} are wanted")
        if newest is None:
            for place in self._places(source, beginnings):
                raise _restored(self._outbox.producer, f"the store is empty, the log has {place.stream}")
            return {}
        back_s = MARGIN_S
        while True:
            starts = source.since(topic, newest - back_s)
            places = list(self._places(source, starts))
            if starts == beginnings or any(place.last <= known.get(place.stream, 0) for place in places):
                return {place.stream: place for place in sorted(places, key=lambda place: place.last)}
            back_s *= FURTHER

    def _places(self, source: TopicLog, starts: Mapping[int, int]) -> Iterator[BatchPlace]:
        for partition, start in sorted(starts.items()):
            for page in source.pages(self._outbox.topic.name, partition, start):
                yield from own_places(page, self._outbox.producer)

    def _compare(self, tx: Transaction, tail: Mapping[StreamName, BatchPlace]) -> None:
        heads = self._outbox.heads(tx)
        known = {(row.shard, row.epoch) for row in tx.execute(sa.select(stream_epoch.c.shard, stream_epoch.c.epoch))}
        for stream, place in sorted(tail.items()):
            if (stream.shard, stream.epoch) not in known:
                raise _restored(stream.producer, f"the log has {stream}, which the store does not know")
            if stream not in heads:
                continue  # an epoch that an operator ended on purpose: its rest was given up
            if place.last > heads[stream]:
                raise _restored(stream.producer, f"{stream}: the log has {place.last}, the store {heads[stream]}")
            refuse_fork(tx, place)


def own_places(records: Sequence[FeedRecord], producer: str) -> Iterator[BatchPlace]:
    """Yield the places of one producer's batches."""
    for record in records:
        try:
            place = place_of(record.headers)
        except Rejected:
            continue  # a foreign record; its readers make it a dead letter
        if place.stream.producer == producer:
            yield place


def refuse_fork(tx: Transaction, place: BatchPlace) -> None:
    """Compare a batch's hash with the store's row.

    The batch is in the log, and the hash is the running hash after it.

    Raises:
        Fault: `stream_fork`.
    """
    where = (rows.c.shard == place.stream.shard, rows.c.position == place.last)
    ours = tx.scalar(sa.select(rows.c.hash).where(*where))
    if ours is not None and bytes(ours) != place.hash_after:
        raise Fault("stream_fork", f"{place.stream}: log and store differ at or before position {place.last}")


def newest_row(tx: Transaction) -> float | None:
    """Return when the newest record was written.

    In seconds since 1970; None when nothing was ever written.
    """
    on = sa.and_(rows.c.shard == stream_head.c.shard, rows.c.position == stream_head.c.position)
    newest = tx.scalar(sa.select(sa.func.max(rows.c.written_at)).select_from(stream_head.join(rows, on)))
    return None if newest is None else float(newest)


def _restored(producer: str, seen: str) -> Fault:
    return Fault("store_restored", f"{seen}; run `python -m services.{producer} recover` before it may write again")


class HeadCheck:
    """Checks the heads before the servers start, as a part.

    A restored store must not give receipts. Without a bus the servers start all the same (accepting never waits for
    Kafka): the relay then checks before its first send. A copy that `hub store backup` made is recognised without the
    bus.
    """

    name = "head-check"

    def __init__(self, guard: HeadGuard) -> None:
        self._guard = guard

    async def start(self) -> None:
        """Check once.

        Raises:
            Fault: `store_restored`, `stream_fork`.
        """
        try:
            await asyncio.to_thread(self._guard.check)
        except Retryable as error:
            log.info("heads_unchecked", code=error.code, detail=error.detail)

    async def stop(self) -> None:
        """Do nothing: nothing runs."""

    async def failed(self) -> None:
        """Wait for ever: the relay raises later findings."""
        await asyncio.Event().wait()
