"""The store as a part: verified before the service serves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from hub.journal.outbox import Outbox
from hub.store.migrate import prepare
from hub.store.store import Store

VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"


class StorePart:
    """First part to start, last to stop: the store at today's schema, writable, with its journal opened."""

    name = "store"

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    async def start(self) -> None:
        """Migrate, open the journal's streams, and so verify that the store can be written.

        Raises:
            Retryable: It can't, however long it is waited for.
        """
        await asyncio.to_thread(prepare, self._store, VERSIONS, self._outbox.open)

    async def stop(self) -> None:
        """Close the store after everything that uses it."""
        await asyncio.to_thread(self._store.close)

    async def failed(self) -> None:
        """Wait for ever: the store's errors reach whoever asked."""
        await asyncio.Event().wait()
