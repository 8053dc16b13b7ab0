"""Leases, which say which worker relays a shard.

A lease has a fencing number and an expiry.

Live workers share the shards evenly: each takes at most its share of what is free, and gives back what it holds above
its share. Live workers are listed in a table of their own, because a worker that came second has no lease that would
show it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from hub.store.prepared import insert_into
from hub.store.store import Store, Transaction
from hub.store.tables import relay_worker, stream_lease
from hub.streams.topics import SHARDS

LEASE_S: Final = 5.0
"""The longest time for which a killed worker's shards are not relayed."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A shard that this worker has just taken.

    `sent_upto` is the last position known as confirmed.
    """

    shard: int
    fence: int
    sent_upto: int


class Leases:
    """The shards that one worker relays."""

    def __init__(self, store: Store, worker: str) -> None:
        self._store = store
        self._worker = worker
        self._fences: dict[int, int] = {}
        self._others: frozenset[str] = frozenset()
        self._renewed_at = -LEASE_S

    @property
    def held(self) -> frozenset[int]:
        """Shards whose lease this worker held last.

        That is as of the last renewal.
        """
        return frozenset(self._fences)

    def renew(self, now: float) -> Sequence[Lease]:
        """Prolong own leases and take free ones.

        It acts every third of a lease's life. A worker holds at most its share, 24 over the number of live workers,
        rounded up. What it holds above that it gives back once it has seen the same workers at two renewals: a worker
        that starts and fails at once moves nothing.

        Args:
            now: Monotonic seconds.

        Returns:
            Leases that were newly taken.
        """
        if now - self._renewed_at < LEASE_S / 3:
            return ()
        held, self._others = self._store.write_blocking(self._take)
        self._renewed_at = now
        taken = [lease for lease in held if self._fences.get(lease.shard) != lease.fence]
        self._fences = {lease.shard: lease.fence for lease in held}
        return taken

    def mark(self, tx: Transaction, sent: Mapping[int, int]) -> None:
        """Store the confirmed positions of own shards.

        Only shards whose lease this worker still holds are marked; positions never decrease.
        """
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
        """Give all leases back.

        Another worker then need not wait for their expiry.
        """
        self._store.write_blocking(self._leave)
        self._fences = {}

    def _leave(self, tx: Transaction) -> None:
        own = stream_lease.c.holder == self._worker
        tx.execute(sa.update(stream_lease).where(own).values(holder="", expires_at=0.0))
        tx.execute(sa.delete(relay_worker).where(relay_worker.c.worker == self._worker))

    def _take(self, tx: Transaction) -> tuple[list[Lease], frozenset[str]]:
        """Return the leases now held, and the other live workers."""
        # The locks of all leases are held to the commit: renewals of two workers come one after the other.
        rows = tx.execute(sa.select(stream_lease).order_by(stream_lease.c.shard).with_for_update()).all()
        now = store_clock(tx)
        others = self._register(tx, now)
        mine = [row for row in rows if row.holder == self._worker and row.fence == self._fences.get(row.shard)]
        share = _share(others & self._others)
        kept, given = mine[:share], mine[share:]
        own = {row.shard for row in mine}
        # A lease under this worker's name that it does not know belongs to its earlier process.
        free = [
            row for row in rows if row.shard not in own and (_over(row.expires_at, now) or row.holder == self._worker)
        ]
        taken = free[: max(0, _share(others) - len(mine))]
        held = [Lease(row.shard, row.fence, row.sent_upto) for row in kept]
        held += [Lease(row.shard, row.fence + 1, row.sent_upto) for row in taken]
        self._write(tx, held, now)
        if given:
            back = stream_lease.c.shard.in_([row.shard for row in given])
            tx.execute(sa.update(stream_lease).where(back).values(holder="", expires_at=0.0))
        return held, others

    def _register(self, tx: Transaction, now: float) -> frozenset[str]:
        """Register this worker as alive; return the other live workers."""
        c = relay_worker.c
        said = insert_into(tx.dialect.name, relay_worker).values(worker=self._worker, expires_at=now + LEASE_S)
        again = {"expires_at": said.excluded.expires_at}
        tx.execute(said.on_conflict_do_update(index_elements=[c.worker], set_=again))
        tx.execute(sa.delete(relay_worker).where((c.expires_at <= now) | (c.expires_at > now + LEASE_S)))
        return frozenset(tx.scalars(sa.select(c.worker).where(c.worker != self._worker)))

    def _write(self, tx: Transaction, held: Sequence[Lease], now: float) -> None:
        if held:
            tx.execute(
                sa.update(stream_lease)
                .where(stream_lease.c.shard == sa.bindparam("of_shard"))
                .values(holder=self._worker, fence=sa.bindparam("new_fence"), expires_at=now + LEASE_S),
                [{"of_shard": lease.shard, "new_fence": lease.fence} for lease in held],
            )


def _share(others: frozenset[str]) -> int:
    """Return how many shards a worker may hold, given the others."""
    return -(-SHARDS // (len(others) + 1))


def _over(expires_at: float, now: float) -> bool:
    """Return whether a lease has expired.

    One with more time left than a lease's life was given by a clock that was ahead.
    """
    return not now < expires_at <= now + LEASE_S


def store_clock(tx: Transaction) -> float:
    """Return the store's clock in seconds since 1970.

    So all workers of a service use one clock.
    """
    if tx.dialect.name == "postgresql":
        return float(tx.scalar(sa.select(sa.extract("epoch", sa.func.clock_timestamp()))) or 0.0)
    return time.time()


def unexpired(tx: Transaction) -> str:
    """Return a worker whose lease has not expired.

    Empty when nobody relays this store.
    """
    now = store_clock(tx)
    query = sa.select(stream_lease.c.holder).where(stream_lease.c.expires_at.between(now, now + LEASE_S)).limit(1)
    return tx.scalar(query) or ""
