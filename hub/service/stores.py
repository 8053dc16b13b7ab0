"""Parts that open and close a service's resources.

The store is verified before anything serves; a publisher is only closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from hub.store.migrate import prepare
from hub.store.store import Store, Transaction
from hub.streams.ports import Publisher


class StorePart:
    """Prepares the store; first to start, last to stop.

    Once started, the store has the current schema and is writable.

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
            Retryable: The store can't be written, even after the longest wait.
        """
        await asyncio.to_thread(prepare, self._store, self._versions, self._first)

    async def stop(self) -> None:
        """Close the store after everything that uses it."""
        await asyncio.to_thread(self._store.close)

    async def failed(self) -> None:
        """Wait for ever: callers get the store's errors."""
        await asyncio.Event().wait()


class PublisherPart:
    """Closes a publisher after its relay has stopped."""

    name = "publisher"

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def start(self) -> None:
        """Do nothing: it connects at the first message."""

    async def stop(self) -> None:
        """Close the publisher."""
        await asyncio.to_thread(self._publisher.close)

    async def failed(self) -> None:
        """Wait for ever: the relay gets its errors."""
        await asyncio.Event().wait()
