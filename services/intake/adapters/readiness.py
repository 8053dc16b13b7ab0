"""Parts around the store and the bus: verify before serving, provision without keeping anybody waiting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from hub.errors import Retryable
from hub.journal.outbox import Outbox
from hub.store.migrate import migrate
from hub.store.store import Store

VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"

_log = structlog.stdlib.get_logger(__name__)


class StorePart:
    """First part to start, last to stop: the store at today's schema, writable, with its journal opened."""

    name = "store"

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    async def start(self) -> None:
        """Migrate, open the journal's streams, and so verify that the store can be written.

        Raises:
            Retryable: It can't: better not to start than to accept what can't be kept.
        """
        await asyncio.to_thread(migrate, self._store, VERSIONS)
        await self._store.write(self._outbox.open)

    async def stop(self) -> None:
        """Close the store after everything that uses it."""
        await asyncio.to_thread(self._store.close)

    async def failed(self) -> None:
        """Wait for ever: the store's errors reach whoever asked."""
        await asyncio.Event().wait()


class Provisioner:
    """Part that has the topics made or checked as soon as the bus answers; commands are accepted meanwhile.

    Args:
        provision: Blocks until done or its own deadline.
    """

    name = "provisioner"

    def __init__(self, provision: Callable[[], None]) -> None:
        self._provision = provision
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Give up waiting for the bus."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await self._task  # its error already went out through failed()

    async def failed(self) -> None:
        """Raise the `Fault` of a topic that is not as it has to be."""
        if self._task is not None:
            await asyncio.shield(self._task)
        await asyncio.Event().wait()

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._provision)
            except Retryable as error:
                _log.warning("bus_awaited", code=error.code, detail=error.detail)
                await asyncio.sleep(error.after_s)
            else:
                return
