"""The outbox of numbered records.

A record gets its position, and its stream the running hash, in the transaction that creates it (ADR-0002).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

import sqlalchemy as sa

from hub.refusals import OUTBOX_FULL, RECORD_TOO_LARGE
from hub.store.prepared import LookupStatement, PreparedStatement, among, parts
from hub.store.store import Transaction
from hub.store.tables import outbox, stream_epoch, stream_head, stream_lease
from hub.streams import topics
from hub.streams.envelope import GENESIS, StreamName, extend
from hub.streams.topics import SHARDS, Topic

ENVELOPE_BYTES: Final = 4096
"""Room that a batch's envelope and headers take beside its records."""
MAX_RECORD_BYTES: Final = topics.MAX_BATCH_BYTES - ENVELOPE_BYTES

_ADVANCE: Final = (
    sa.update(stream_head)
    .where(stream_head.c.shard == sa.bindparam("of_shard"))
    .values(position=sa.bindparam("upto"), hash=sa.bindparam("running"), rows=stream_head.c.rows + sa.bindparam("more"))
)
_HEADS: Final = sa.select(stream_head.c.shard, stream_head.c.epoch, stream_head.c.position)
_FOLLOWING: Final = (
    sa.select(outbox.c.epoch, outbox.c.position, outbox.c.key, outbox.c.record, outbox.c.hash)
    .where(outbox.c.shard == sa.bindparam("of_shard"), outbox.c.position > sa.bindparam("after"))
    .order_by(outbox.c.position)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_AT: Final = (
    sa.select(outbox.c.key, outbox.c.record)
    .where(outbox.c.shard == sa.bindparam("of_shard"), outbox.c.position.in_(sa.bindparam("positions", expanding=True)))
    .order_by(outbox.c.position)
)
_WAITING: Final = sa.select(sa.func.sum(stream_head.c.position - stream_lease.c.sent_upto)).join(
    stream_lease, stream_head.c.shard == stream_lease.c.shard
)
_WRITTEN_AT: Final = sa.select(outbox.c.written_at).where(
    outbox.c.shard == sa.bindparam("of_shard"), outbox.c.position == sa.bindparam("at")
)


# Prepared: every unit of work runs these, and building a statement costs as much as a dozen records.
@cache
def _lock_heads(dialect: str) -> LookupStatement:
    heads = sa.select(stream_head).where(among(dialect, stream_head.c.shard)).order_by(stream_head.c.shard)
    return LookupStatement(dialect, heads.with_for_update())


@cache
def _waiting(dialect: str) -> PreparedStatement:
    return PreparedStatement(dialect, _WAITING)


@cache
def _insert(dialect: str) -> PreparedStatement:
    return PreparedStatement(dialect, sa.insert(outbox), *(column.key for column in outbox.columns))


@cache
def _advance(dialect: str) -> PreparedStatement:
    return PreparedStatement(dialect, _ADVANCE, "upto", "running", "more", "of_shard")


class Entry(NamedTuple):
    """A record to publish.

    `key` is the dispute id and decides the shard.
    """

    key: str
    record: bytes


class Written(NamedTuple):
    """The stream and position of a stored record."""

    stream: StreamName
    position: int


class Row(NamedTuple):
    """One stored record, as the relay reads it."""

    epoch: str
    position: int
    key: str
    record: bytes
    hash: bytes


Heads = Mapping[int, sa.Row[tuple[int, str, int, bytes, int]]]
"""Rows of `stream_head` by shard, locked."""


def records_at(tx: Transaction, positions: Mapping[str, Iterable[int]]) -> dict[str, list[bytes]]:
    """Return the records of keys that stand at these positions of their shards, in order."""
    wanted: dict[int, list[int]] = {}
    for key, its in positions.items():
        wanted.setdefault(topics.shard_of(key), []).extend(its)
    found: dict[str, list[bytes]] = {key: [] for key in positions}
    for shard, every in wanted.items():
        for part in parts(every):
            for row in tx.execute(_AT, {"of_shard": shard, "positions": part}):
                found[row.key].append(row.record)
    return found


class Outbox:
    """The 24 numbered streams of one service.

    All are written to one topic.
    """

    def __init__(self, topic: Topic, producer: str, *, limit_rows: int | None = None) -> None:
        self.topic = topic
        self.producer = producer
        self._limit_rows = limit_rows
        self.written = False
        """Whether something was appended; set and cleared on the store's writer thread only."""

    def open(self, tx: Transaction) -> None:
        """Create the first epoch in a new store.

        The heads of all shards are created too. Nothing happens in an old store.
        """
        if tx.execute(sa.select(stream_head.c.shard).limit(1)).first() is not None:
            return
        epoch = secrets.token_hex(4)
        shards = range(SHARDS)
        try:
            with tx.begin_nested():
                tx.execute(
                    sa.insert(stream_head),
                    [{"shard": n, "epoch": epoch, "position": 0, "hash": GENESIS, "rows": 0} for n in shards],
                )
                tx.execute(
                    sa.insert(stream_epoch),
                    [{"shard": n, "epoch": epoch, "continues_epoch": None, "after_position": 0} for n in shards],
                )
                tx.execute(
                    sa.insert(stream_lease),
                    [{"shard": n, "holder": "", "fence": 0, "expires_at": 0.0, "sent_upto": 0} for n in shards],
                )
        except sa.exc.IntegrityError:
            # Another worker opened the new store at the same moment. It has committed, or we would still wait for it.
            return

    def begin_epoch(self, tx: Transaction) -> str:
        """Begin a new epoch and return it.

        It is for a store that was restored from a backup (docs/runbook.md#restore).
        """
        epoch = secrets.token_hex(4)
        heads = tx.execute(sa.select(stream_head).order_by(stream_head.c.shard).with_for_update()).all()
        tx.execute(
            sa.insert(stream_epoch),
            [
                {"shard": h.shard, "epoch": epoch, "continues_epoch": h.epoch, "after_position": h.position}
                for h in heads
            ],
        )
        tx.execute(sa.update(stream_head).values(epoch=epoch))
        return epoch

    def lock(self, tx: Transaction, keys: Iterable[str]) -> Heads:
        """Lock the keys' shards.

        Their row locks are taken in ascending order. Data of those keys that is read afterwards stays valid.
        """
        return self._locked_heads(tx, {topics.shard_of(key) for key in keys})

    def append(self, tx: Transaction, entries: Sequence[Entry], held: Heads | None = None) -> list[Written]:
        """Store each entry at its stream's next position.

        Args:
            tx: Of the caller.
            entries: In order.
            held: What `lock` returned in this transaction for these keys and more, if nothing was appended since.

        Raises:
            Rejected: `record_too_large`: it could never be published, so it may not be accepted.
            Retryable: `outbox_full`: too many records wait for Kafka.
        """
        if not entries:
            return []
        self.check_size(max((entry.record for entry in entries), key=len))
        shards = [topics.shard_of(entry.key) for entry in entries]
        heads = self._locked_heads(tx, set(shards)) if held is None else {shard: held[shard] for shard in set(shards)}
        self._check_room(tx, len(entries))
        state = {shard: (head.position, head.hash) for shard, head in heads.items()}
        streams = {shard: StreamName(self.producer, shard, head.epoch) for shard, head in heads.items()}
        now = time.time()
        rows: list[tuple[object, ...]] = []
        written: list[Written] = []
        for entry, shard in zip(entries, shards, strict=True):
            position, running = state[shard]
            position, running = position + 1, extend(running, entry.record)
            state[shard] = (position, running)
            stream = streams[shard]
            rows.append((shard, position, stream.epoch, entry.key, entry.record, running, now))
            written.append(Written(stream, position))
        self.written = True
        dialect = tx.dialect.name
        _insert(dialect).run(tx, rows)
        _advance(dialect).run(
            tx,
            [(upto, running, upto - heads[shard].position, shard) for shard, (upto, running) in sorted(state.items())],
        )
        return written

    @staticmethod
    def check_size(record: bytes) -> None:
        """Refuse a record that no batch could carry.

        Raises:
            Rejected: `record_too_large`.
        """
        if len(record) > MAX_RECORD_BYTES:
            raise RECORD_TOO_LARGE.error(limit=MAX_RECORD_BYTES)

    def heads(self, tx: Transaction) -> dict[StreamName, int]:
        """Return the last position of each stream.

        It covers only streams of the current epoch.
        """
        return {StreamName(self.producer, shard, epoch): position for shard, epoch, position in tx.execute(_HEADS)}

    def sent(self, tx: Transaction) -> dict[StreamName, int]:
        """Return each stream's last position confirmed by Kafka."""
        rows = tx.execute(
            sa.select(stream_lease.c.shard, stream_head.c.epoch, stream_lease.c.sent_upto).join(
                stream_head, stream_head.c.shard == stream_lease.c.shard
            )
        )
        return {StreamName(self.producer, row.shard, row.epoch): row.sent_upto for row in rows}

    def unsent(self, tx: Transaction) -> int:
        """Count the rows that Kafka has not confirmed."""
        query = sa.select(sa.func.count()).where(outbox.c.position > stream_lease.c.sent_upto)
        joined = query.select_from(outbox.join(stream_lease, outbox.c.shard == stream_lease.c.shard))
        return tx.scalar(joined) or 0

    def read(self, tx: Transaction, shard: int, after: int, limit: int) -> list[Row]:
        """Return a shard's records after a position.

        At most `limit`, in order.
        """
        found = tx.execute(_FOLLOWING, {"of_shard": shard, "after": after, "most": limit})
        return [Row(*row) for row in found]

    def oldest(self, tx: Transaction, sent: Mapping[int, int]) -> float | None:
        """Return when the oldest unsent row was written.

        In seconds since 1970; unsent are the rows after the given positions.
        """
        firsts = (tx.scalar(_WRITTEN_AT, {"of_shard": shard, "at": upto + 1}) for shard, upto in sent.items())
        return min((first for first in firsts if first is not None), default=None)

    def continues_from(self, tx: Transaction, shard: int, epoch: str) -> tuple[StreamName, int] | None:
        """Return where the epoch before this one ended.

        None for a first epoch.
        """
        row = tx.execute(
            sa.select(stream_epoch.c.continues_epoch, stream_epoch.c.after_position).where(
                stream_epoch.c.shard == shard, stream_epoch.c.epoch == epoch
            )
        ).one()
        if row.continues_epoch is None:
            return None
        return StreamName(self.producer, shard, row.continues_epoch), row.after_position

    def _locked_heads(self, tx: Transaction, shards: set[int]) -> Heads:
        return {row.shard: row for row in _lock_heads(tx.dialect.name).rows(tx, shards)}

    def _check_room(self, tx: Transaction, more: int) -> None:
        if self._limit_rows is None:
            return
        waiting = _waiting(tx.dialect.name).value(tx, ())
        if int(waiting or 0) + more > self._limit_rows:
            raise OUTBOX_FULL.error(after_s=10.0)
