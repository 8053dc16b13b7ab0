"""Parts around the store and the bus: verify before serving, and provision without keeping anybody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from hub.contracts.stream import StreamName
from hub.contracts.topics import JOURNAL
from hub.journal.ports import Publisher
from hub.store.migrate import prepare
from hub.store.probe import write_nothing
from hub.store.store import Store, Transaction
from hub.store.tables import crash, dead_letter, inbox_partition, inbox_stream, parked, source_hold
from services.stats.adapters.ledger import events_in
from services.stats.adapters.tables import cell, fact, folded, total

VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"


def difference(tx: Transaction, positions: Mapping[StreamName, int], books: Mapping[str, int]) -> int:
    """Return read events minus those folded, dead, parked or held: each from its own rows; 0 when the books balance."""
    return sum(positions.values()) - events_in(tx) - books["dead"] - books["parked"] - books["held"]


def forget(tx: Transaction) -> None:
    """Drop everything that was derived from the journal, and the place in it: the next start reads from position 0.

    Interned values stay: they are names, not figures, and a running process may know them by heart.
    Dead letters that are still dead will be found, and published, again.
    """
    for table in (fact, cell, total, folded):
        tx.execute(sa.delete(table))
    for table in (inbox_partition, inbox_stream, parked, source_hold, crash, dead_letter):
        tx.execute(sa.delete(table).where(table.c.topic == JOURNAL.name))


class StorePart:
    """First part to start, last to stop: the store at today's schema, and writable."""

    name = "store"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def start(self) -> None:
        """Migrate and verify.

        Raises:
            Retryable: The store can't be written, however long it is waited for.
        """
        await asyncio.to_thread(prepare, self._store, VERSIONS, write_nothing)

    async def stop(self) -> None:
        """Close the store after everything that uses it."""
        await asyncio.to_thread(self._store.close)

    async def failed(self) -> None:
        """Wait for ever: the store's errors reach whoever asked."""
        await asyncio.Event().wait()


class PublisherPart:
    """Closes the publisher after the relay that uses it."""

    name = "publisher"

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def start(self) -> None:
        """Do nothing: it connects at the first dead letter."""

    async def stop(self) -> None:
        """Close it."""
        await asyncio.to_thread(self._publisher.close)

    async def failed(self) -> None:
        """Wait for ever: its errors reach the relay."""
        await asyncio.Event().wait()
