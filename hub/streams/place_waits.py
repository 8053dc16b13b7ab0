"""Waits until a service's store includes a place of a log: many who wait, one look at the store for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Final

from hub.errors import Kind, Retryable
from hub.store.store import Store
from hub.streams.envelope import StreamName
from hub.streams.inbox import Inbox

OTHERS_S: Final = 0.1
"""How often the store is looked at: another worker, whose moves are not told here, may own the partition."""


class PlaceWaits:
    """Those who wait for a reader.

    Args:
        store: The reader's.
        inbox: Its places.
        own: Tells how far this worker itself has committed a stream: each move wakes all who wait, and this is cheap.
    """

    def __init__(self, store: Store, inbox: Inbox, own: Callable[[StreamName], int]) -> None:
        self._store = store
        self._inbox = inbox
        self._own = own
        self._moved = asyncio.Event()
        self._looking = asyncio.Lock()
        self._looked_at = -OTHERS_S
        self._seen: Mapping[StreamName, int] = {}

    def tell(self) -> None:
        """Wake all who wait: this worker has moved."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def wait_for(self, at_least: Mapping[StreamName, int], timeout_s: float) -> None:
        """Wait until the store includes a place.

        Raises:
            Retryable: `position_not_reached`, kind TOO_LATE.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            # Taken before the look: a move while the store is read is told by this very event, whoever waits beside.
            moved = self._moved
            if _includes(self._own, at_least):
                return
            left = deadline - time.monotonic()
            if await self._store_includes(at_least, OTHERS_S if left > 0 else 0.0):
                return
            if left <= 0:
                raise Retryable("position_not_reached", "the wanted place was not reached in time", kind=Kind.TOO_LATE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), min(left, OTHERS_S))

    async def _store_includes(self, at_least: Mapping[StreamName, int], age_s: float) -> bool:
        """Tell whether the store included a place at most `age_s` ago: all who wait share one look."""
        async with self._looking:
            began = time.monotonic()
            if began - self._looked_at >= age_s:
                self._seen, self._looked_at = await self._store.read(self._inbox.reached), began
            seen = self._seen
        return _includes(lambda stream: seen.get(stream, 0), at_least)


def _includes(position: Callable[[StreamName], int], at_least: Mapping[StreamName, int]) -> bool:
    return all(position(stream) >= wanted for stream, wanted in at_least.items())
