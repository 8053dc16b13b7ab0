"""Tells watchers about commits.

Many watchers share one listener.
"""

from __future__ import annotations

import asyncio
import contextlib

from hub.store.store import Store


class CommitSignal:
    """Counts the commits of this process.

    A part of the service. Watchers find other workers' commits by asking from time to time.
    """

    name = "commits"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def count(self) -> int:
        """Number of commits so far."""
        return self._count

    async def start(self) -> None:
        """Listen to commits."""
        self._loop = asyncio.get_running_loop()
        self._store.on_commit(self._committed)

    async def stop(self) -> None:
        """Stop waking watchers."""
        self._loop = None

    async def failed(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    async def wait(self, beyond: int, timeout_s: float) -> None:
        """Wait for a commit later than `beyond`, or the timeout."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Add the waiter before the check: a commit in between wakes the waiter, or the check finds it.
        self._waiters.add(waiter)
        try:
            if self._count > beyond:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiter, timeout_s)
        finally:
            self._waiters.discard(waiter)

    def _committed(self) -> None:
        # Only the store's writer calls this. Waking the loop costs more than counting, and mostly nobody watches.
        self._count += 1
        loop = self._loop
        if loop is not None and self._waiters:
            # A closing loop takes no more calls, and needs none.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.wake)

    def wake(self) -> None:
        """Have all watchers look, also without a commit."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
