"""A backup that works on each kind of store: every row of its tables, put back as if a disk had died."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hub.store.store import Store, Transaction
from hub.store.tables import kernel_metadata, relay_worker, stream_lease

Backup = dict[str, list[dict[str, Any]]]


async def back_up(store: Store, *more: sa.MetaData) -> Backup:
    tables = _tables(*more)
    return await store.read(
        lambda tx: {t.name: [dict(row) for row in tx.execute(sa.select(t)).mappings()] for t in tables}
    )


async def put_back(store: Store, backup: Backup, *more: sa.MetaData) -> None:
    def unit(tx: Transaction) -> None:
        for table in _tables(*more):
            tx.execute(sa.delete(table))
            if backup.get(table.name):
                tx.execute(sa.insert(table), backup[table.name])
        # The process that died relays no more by the time a backup is put back: its leases and its name ran out.
        for table in (stream_lease, relay_worker):
            tx.execute(sa.update(table).values(expires_at=0.0))

    await store.write(unit)


def _tables(*more: sa.MetaData) -> list[sa.Table]:
    return [table for metadata in (kernel_metadata, *more) for table in metadata.sorted_tables]
