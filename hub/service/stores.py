"""Parts around what a service opens: its store, verified before anything serves, and what is only closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from hub.store.migrate import prepare
from hub.store.store import Store, Transaction
from hub.streams.ports import Publisher


class StorePart:
    """First part to start, last to stop: the store at today's schema, and writable.

    Args:
        store: The service's.
        versions: Folder of its revisions.
        first: First unit, which proves that the store can be written.
    """

    name = "store"

    def __init__(self, store: Store, versions: Path, first: Callable[[Transaction], object]) -> None:
        self._store = store
        self._versions = versions
        self._first = first

    async def start(self) -> None:
        """Migrate, and write the first unit.

        Raises:
            Retryable: The store can't be written, however long it is waited for.
        """
        await asyncio.to_thread(prepare, self._store, self._versions, self._first)

    async def stop(self) -> None:
        """Close the store after everything that uses it."""
        await asyncio.to_thread(self._store.close)

    async def failed(self) -> None:
        """Wait for ever: the store's errors reach whoever asked."""
        await asyncio.Event().wait()


class PublisherPart:
    """Closes a publisher after the relay that uses it."""

    name = "publisher"

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def start(self) -> None:
        """Do nothing: it connects at the first message."""

    async def stop(self) -> None:
        """Close it."""
        await asyncio.to_thread(self._publisher.close)

    async def failed(self) -> None:
        """Wait for ever: its errors reach the relay."""
        await asyncio.Event().wait()
