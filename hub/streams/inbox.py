"""The inbox of a reader.

It has the reader's own places, dead letters and parked records, which change in the transaction of the effect
(ADR-0003).
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from hub.refusals import BUG, STORE_RACED
from hub.store.store import Transaction
from hub.store.tables import crash, dead_letter, inbox_partition, inbox_stream, parked
from hub.streams import holds
from hub.streams.envelope import StreamName
from hub.streams.judge import Dead, Numbered, StreamKey, StreamPlace

DUE_AT_ONCE: Final = 1000
"""Parked records tried in one transaction at most."""

# These statements, used in every transaction, are built once: building them costs as much as a few hundred event rows.
_MINE: Final = (
    inbox_partition.c.topic == sa.bindparam("of_topic"),
    inbox_partition.c.partition == sa.bindparam("of_partition"),
)
SWAP: Final = (
    sa.update(inbox_partition)
    .where(*_MINE, inbox_partition.c.next_offset == sa.bindparam("from_offset"))
    .values(
        next_offset=sa.bindparam("to_offset"),
        repeats_dropped=inbox_partition.c.repeats_dropped + sa.bindparam("more_repeats"),
        gaps_fetched=inbox_partition.c.gaps_fetched + sa.bindparam("more_gaps"),
    )
)
COUNT: Final = sa.update(inbox_partition).where(*_MINE).values(applied=inbox_partition.c.applied + sa.bindparam("more"))
ADVANCE: Final = (
    sa.update(inbox_stream)
    .where(*(inbox_stream.c[name] == sa.bindparam(f"its_{name}") for name in ("topic", "producer", "shard", "epoch")))
    .values({name: sa.bindparam(f"its_{name}") for name in ("position", "hash", "closed")})
)


class Swapped(Exception):  # noqa: N818 - no error: another worker was here first
    """Another worker has moved our place.

    The caller rolls back, reloads, and goes on if the partition is still its own.
    """


@dataclass(slots=True)
class Places:
    """A reader's knowledge of its own place.

    It is a cache of the rows, discarded when a swap fails.

    Attributes:
        offsets: Next offset of each partition.
        streams: Place in each stream of the epoch that is read now.
        closed: Last position of each epoch that is over.
        parked: Disputes of which a record waits, other than because of its source.
        held: Sources that are held, and why.
        crashes: How often the process crashed at a record.
        bugs: Whether a record is parked because we crashed at it again and again.
    """

    offsets: dict[int, int] = field(default_factory=dict)
    streams: dict[StreamKey, StreamPlace] = field(default_factory=dict)
    closed: dict[StreamName, int] = field(default_factory=dict)
    parked: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)
    crashes: dict[tuple[str, int], int] = field(default_factory=dict)
    bugs: bool = False

    def position(self, stream: StreamName) -> int:
        """Return the committed position of a stream.

        The stream may belong to an epoch that is over; zero when nothing of it is committed.
        """
        place = self.streams.get((stream.producer, stream.shard))
        return place.position if place is not None and place.stream == stream else self.closed.get(stream, 0)


@dataclass(frozen=True, slots=True)
class Move:
    """How far one partition moves in one transaction."""

    before: int
    after: int
    repeats: int = 0
    gaps: int = 0


class Inbox:
    """Rows of one topic in one service's store."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def load(self, tx: Transaction) -> Places:
        """Read every place of this topic."""
        places = Places(offsets=self.offsets(tx))
        for row in tx.execute(sa.select(inbox_stream).where(inbox_stream.c.topic == self.topic)):
            stream = StreamName(row.producer, row.shard, row.epoch)
            if row.closed:
                places.closed[stream] = row.position
            else:
                places.streams[row.producer, row.shard] = StreamPlace(stream, row.position, bytes(row.hash))
        places.held = holds.holds(tx, self.topic)
        mine = parked.c.topic == self.topic
        keys = sa.select(parked.c.key).where(mine, sa.not_(holds.held_rows(places.held)))
        places.parked = set(tx.scalars(keys.distinct()))
        places.bugs = tx.scalar(sa.select(parked.c.id).where(mine, parked.c.reason == BUG.name).limit(1)) is not None
        for row in tx.execute(sa.select(crash).where(crash.c.topic == self.topic)):
            places.crashes[row.stream, row.position] = row.attempts
        return places

    def offsets(self, tx: Transaction) -> dict[int, int]:
        """Return partition -> next offset."""
        query = sa.select(inbox_partition.c.partition, inbox_partition.c.next_offset)
        return {
            row.partition: row.next_offset for row in tx.execute(query.where(inbox_partition.c.topic == self.topic))
        }

    def topic_ids(self, tx: Transaction) -> dict[int, str]:
        """Return partition -> id of its offset's topic."""
        query = sa.select(inbox_partition.c.partition, inbox_partition.c.topic_id)
        return {row.partition: row.topic_id for row in tx.execute(query.where(inbox_partition.c.topic == self.topic))}

    def adopt(self, tx: Transaction, beginnings: Mapping[int, int], topic_id: str) -> None:
        """Make rows for partitions read for the first time.

        The offsets of a topic that was created again are reset.
        """
        known = self.topic_ids(tx)
        for partition, beginning in sorted(beginnings.items()):
            if partition not in known:
                row = {"next_offset": beginning, "topic_id": topic_id, "applied": 0, "repeats_dropped": 0}
                self._insert_partition(tx, {"topic": self.topic, "partition": partition, "gaps_fetched": 0, **row})
            elif known[partition] != topic_id:
                tx.execute(
                    sa.update(inbox_partition)
                    .where(inbox_partition.c.topic == self.topic, inbox_partition.c.partition == partition)
                    .values(next_offset=beginning, topic_id=topic_id)
                )

    def swap(self, tx: Transaction, moves: Mapping[int, Move]) -> None:
        """Move offsets, if they are where we expect.

        Raises:
            Swapped: A row stood elsewhere.
        """
        for partition, move in sorted(moves.items()):
            where = {"of_topic": self.topic, "of_partition": partition, "from_offset": move.before}
            values = {"to_offset": move.after, "more_repeats": move.repeats, "more_gaps": move.gaps}
            if tx.execute(SWAP, where | values).rowcount != 1:
                raise Swapped

    def count_applied(self, tx: Transaction, partitions: Iterable[int]) -> None:
        """Count records whose effect is in this transaction, by the partition of each."""
        counts = sorted(Counter(partitions).items())
        if counts:
            tx.execute(
                COUNT, [{"of_topic": self.topic, "of_partition": partition, "more": more} for partition, more in counts]
            )

    def advance(
        self,
        tx: Transaction,
        before: Collection[StreamPlace],
        after: Collection[StreamPlace],
        closed: Collection[StreamPlace],
    ) -> None:
        """Write the new places of the streams.

        Epochs that another one continued are closed.
        """
        known = {place.stream for place in before}
        moved: list[dict[str, object]] = []
        fresh: list[dict[str, object]] = []
        for place, ended in [*((place, True) for place in closed), *((place, False) for place in after)]:
            row = {**self._row(place.stream), "position": place.position, "hash": place.hash, "closed": ended}
            if place.stream in known:
                moved.append({f"its_{name}": value for name, value in row.items()})
            else:
                fresh.append(row)
        if moved:
            tx.execute(ADVANCE, moved)
        if fresh:
            tx.execute(sa.insert(inbox_stream), fresh)

    def bury(self, tx: Transaction, dead: Iterable[Dead], *, attempts: int = 1) -> None:
        """Store dead letters; the dead-letter relay publishes them."""
        rows = [
            {
                "topic": letter.source.topic,
                "partition": letter.source.partition,
                "offset": letter.source.offset,
                "stream": letter.stream,
                "position": letter.position,
                "records": letter.records,
                "key": letter.source.key,
                "value": letter.source.value if letter.value is None else letter.value,
                "headers": json.dumps([[name, (value or b"").hex()] for name, value in letter.source.headers]).encode(),
                "reason": letter.reason,
                "detail": letter.detail[:512],
                "attempts": attempts,
                "failed_at": time.time(),
                "sent": False,
                "source": letter.held_source,
            }
            for letter in dead
        ]
        if rows:
            tx.execute(sa.insert(dead_letter), rows)

    def park(
        self, tx: Transaction, items: Iterable[tuple[Numbered, str, str]], reason: str, retry_at: float | None
    ) -> None:
        """Queue records behind their dispute or source.

        Args:
            tx: Transaction.
            items: Record, key of its dispute, its source.
            reason: Code.
            retry_at: Seconds since 1970; None waits for an operator.
        """
        rows = [
            {
                "topic": item.topic,
                "partition": item.partition,
                "offset": item.offset,
                "stream": str(item.stream),
                "position": item.position,
                "key": key,
                "record": item.record,
                "reason": reason,
                "attempts": 1,
                "retry_at": retry_at,
                "source": source,
            }
            for item, key, source in items
        ]
        if rows:
            tx.execute(sa.insert(parked), rows)

    def agree(self, tx: Transaction, held: Mapping[str, str]) -> int:
        """Check that the held sources are those we know.

        Returns:
            How many records are held.

        Raises:
            Swapped: An operator released one, or another worker holds one more.
        """
        if holds.holds(tx, self.topic, lock=True).keys() != held.keys():
            raise Swapped
        return self.held_count(tx, held)

    def held_count(self, tx: Transaction, held: Collection[str]) -> int:
        """Return how many records of held sources wait."""
        if not held:
            return 0
        mine = (parked.c.topic == self.topic, holds.held_rows(held))
        return tx.scalar(sa.select(sa.func.count()).select_from(parked).where(*mine)) or 0

    def due(
        self, tx: Transaction, partitions: Collection[int], now: float, most: int = DUE_AT_ONCE
    ) -> Sequence[sa.Row[Any]]:
        """Return the parked records that are due, in order.

        Their dispute's first parked record is due. No record of a held source is among them.
        """
        free = (parked.c.topic == self.topic, sa.not_(holds.held_rows(holds.holds(tx, self.topic))))
        first = sa.select(sa.func.min(parked.c.id).label("id")).where(*free)
        heads = first.where(parked.c.partition.in_(sorted(partitions))).group_by(parked.c.key).subquery()
        keys = sa.select(parked.c.key).join(heads, heads.c.id == parked.c.id).where(parked.c.retry_at <= now)
        mine = sa.select(parked).where(*free, parked.c.key.in_(keys))
        return tx.execute(mine.order_by(parked.c.id).limit(most)).all()

    def aside(self, tx: Transaction, partitions: Collection[int], now: float) -> tuple[Collection[str], int, bool]:
        """Return what waits, for one check.

        These are the held sources, how many records wait because of them, and whether other records are due.
        """
        held = holds.holds(tx, self.topic)
        return held.keys(), self.held_count(tx, held), bool(self.due(tx, partitions, now, 1))

    def unpark(self, tx: Transaction, ids: Collection[int]) -> None:
        """Delete parked records that were applied or buried."""
        if ids:
            tx.execute(sa.delete(parked).where(parked.c.id.in_(sorted(ids))))

    def defer(self, tx: Transaction, parked_id: int, reason: str, retry_at: float | None) -> None:
        """Try a parked record again later.

        With `retry_at` None it waits for an operator.
        """
        statement = sa.update(parked).where(parked.c.id == parked_id)
        tx.execute(statement.values(attempts=parked.c.attempts + 1, reason=reason, retry_at=retry_at))

    def crashed(self, tx: Transaction, item: Numbered, attempts: int) -> None:
        """Note that the process crashed at a record."""
        where = (crash.c.topic == item.topic, crash.c.stream == str(item.stream), crash.c.position == item.position)
        if tx.execute(sa.update(crash).where(*where).values(attempts=attempts)).rowcount == 0:
            tx.execute(
                sa.insert(crash).values(
                    topic=item.topic, stream=str(item.stream), position=item.position, attempts=attempts
                )
            )

    def positions(self, tx: Transaction) -> dict[StreamName, int]:
        """Return the place in every stream.

        It covers only the epoch that is read now.
        """
        query = sa.select(inbox_stream).where(inbox_stream.c.topic == self.topic, inbox_stream.c.closed.is_(False))
        return {StreamName(row.producer, row.shard, row.epoch): row.position for row in tx.execute(query)}

    def reached(self, tx: Transaction) -> dict[StreamName, int]:
        """Return the place in every stream, all epochs included."""
        rows = tx.execute(sa.select(inbox_stream).where(inbox_stream.c.topic == self.topic))
        return {StreamName(row.producer, row.shard, row.epoch): row.position for row in rows}

    def books(self, tx: Transaction) -> dict[str, int]:
        """Return the counts for the books.

        They are applied, dead, parked, held, repeats_dropped and gaps_fetched, each counted from its own rows.
        """
        c = inbox_partition.c
        sums = tx.execute(
            sa.select(
                *(sa.func.coalesce(sa.func.sum(x), 0) for x in (c.applied, c.repeats_dropped, c.gaps_fetched))
            ).where(c.topic == self.topic)
        ).one()
        dead = sa.select(sa.func.coalesce(sa.func.sum(dead_letter.c.records), 0)).where(
            dead_letter.c.topic == self.topic
        )
        waiting = sa.select(sa.func.count()).select_from(parked).where(parked.c.topic == self.topic)
        held = self.held_count(tx, holds.holds(tx, self.topic))
        return {
            "applied": int(sums[0]),
            "repeats_dropped": int(sums[1]),
            "gaps_fetched": int(sums[2]),
            "dead": int(tx.scalar(dead) or 0),
            "parked": int(tx.scalar(waiting) or 0) - held,
            "held": held,
        }

    def _insert_partition(self, tx: Transaction, row: Mapping[str, object]) -> None:
        try:
            with tx.begin_nested():
                tx.execute(sa.insert(inbox_partition).values(**row))
        except sa.exc.IntegrityError as error:
            # Another worker made the row after our read: read again.
            raise STORE_RACED.error(after_s=0.1) from error

    def _row(self, stream: StreamName) -> dict[str, object]:
        return {"topic": self.topic, "producer": stream.producer, "shard": stream.shard, "epoch": stream.epoch}
