"""Leases of shards: who relays which shard now, with a fencing number and an expiry (design D12)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from hub.store.store import Store, Transaction
from hub.store.tables import stream_lease

LEASE_S: Final = 5.0
"""A worker that was killed holds up its shards this long at most."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A shard that this worker has just taken, and the last position known as confirmed."""

    shard: int
    fence: int
    sent_upto: int


class Leases:
    """The shards that one worker relays."""

    def __init__(self, store: Store, worker: str) -> None:
        self._store = store
        self._worker = worker
        self._fences: dict[int, int] = {}
        self._renewed_at = -LEASE_S

    @property
    def held(self) -> frozenset[int]:
        """Shards whose lease this worker had at the last renewal."""
        return frozenset(self._fences)

    def renew(self, now: float) -> Sequence[Lease]:
        """Prolong own leases and take free ones, every third of a lease's life; returns those newly taken.

        Args:
            now: Monotonic seconds.
        """
        if now - self._renewed_at < LEASE_S / 3:
            return ()
        held = self._store.write_blocking(self._take)
        self._renewed_at = now
        taken = [lease for lease in held if self._fences.get(lease.shard) != lease.fence]
        self._fences = {lease.shard: lease.fence for lease in held}
        return taken

    def mark(self, tx: Transaction, sent: Mapping[int, int]) -> None:
        """Note confirmed positions of shards whose lease this worker still holds; they never decrease."""
        statement = (
            sa.update(stream_lease)
            .where(
                stream_lease.c.shard == sa.bindparam("of_shard"),
                stream_lease.c.fence == sa.bindparam("own_fence"),
                stream_lease.c.sent_upto < sa.bindparam("upto"),
            )
            .values(sent_upto=sa.bindparam("upto"))
        )
        rows = [
            {"of_shard": shard, "own_fence": self._fences[shard], "upto": upto}
            for shard, upto in sorted(sent.items())
            if shard in self._fences
        ]
        if rows:
            tx.execute(statement, rows)

    def release(self) -> None:
        """Give all leases back, so that another worker need not wait for their expiry."""
        self._store.write_blocking(
            lambda tx: tx.execute(
                sa.update(stream_lease).where(stream_lease.c.holder == self._worker).values(holder="", expires_at=0.0)
            )
        )
        self._fences = {}

    def _take(self, tx: Transaction) -> list[Lease]:
        now = store_clock(tx)
        rows = tx.execute(sa.select(stream_lease).order_by(stream_lease.c.shard).with_for_update()).all()
        held = []
        for row in rows:
            mine = row.holder == self._worker and row.fence == self._fences.get(row.shard)
            if not mine and row.expires_at > now and row.holder != self._worker:
                continue
            fence = row.fence if mine else row.fence + 1
            held.append(Lease(row.shard, fence, row.sent_upto))
        if held:
            tx.execute(
                sa.update(stream_lease)
                .where(stream_lease.c.shard == sa.bindparam("of_shard"))
                .values(holder=self._worker, fence=sa.bindparam("new_fence"), expires_at=now + LEASE_S),
                [{"of_shard": lease.shard, "new_fence": lease.fence} for lease in held],
            )
        return held


def store_clock(tx: Transaction) -> float:
    """Return the store's clock in seconds since 1970: one clock for all workers of a service."""
    if tx.dialect.name == "postgresql":
        return float(tx.scalar(sa.select(sa.extract("epoch", sa.func.clock_timestamp()))) or 0.0)
    return time.time()


def unexpired(tx: Transaction) -> str:
    """Return a worker whose lease still runs; empty when nobody relays this store."""
    query = sa.select(stream_lease.c.holder).where(stream_lease.c.expires_at > store_clock(tx)).limit(1)
    return tx.scalar(query) or ""
