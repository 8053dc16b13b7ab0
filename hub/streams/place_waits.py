"""Waits until a store includes a place.

All waiting callers share one read of the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Final

from hub.refusals import POSITION_NOT_REACHED
from hub.store.store import Store
from hub.streams.envelope import StreamName
from hub.streams.inbox import Inbox

OTHERS_S: Final = 0.1
"""How often the store is read: another worker may own the partition, and its moves are not reported here."""


class PlaceWaits:
    """The callers that wait for a reader.

    Args:
        store: The reader's.
        inbox: Its places.
        own: Returns how far this worker itself has committed a stream: each move wakes all waiting callers, and this is
            cheap.
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
        """Wake all waiting callers after a move.

        The move is one of this worker.
        """
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def wait_for(self, at_least: Mapping[StreamName, int], timeout_s: float) -> None:
        """Wait until the store includes a place.

        Raises:
            Retryable: `position_not_reached`, kind TOO_LATE.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            # Taken before the check: a move while the store is read sets this very event, whoever else waits.
            moved = self._moved
            if _includes(self._own, at_least):
                return
            left = deadline - time.monotonic()
            if await self._store_includes(at_least, OTHERS_S if left > 0 else 0.0):
                return
            if left <= 0:
                raise POSITION_NOT_REACHED.error()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), min(left, OTHERS_S))

    async def _store_includes(self, at_least: Mapping[StreamName, int], age_s: float) -> bool:
        """Return whether the store includes a place, with shared reads.

        A read is reused for `age_s` seconds.
        """
        async with self._looking:
            began = time.monotonic()
            if began - self._looked_at >= age_s:
                self._seen, self._looked_at = await self._store.read(self._inbox.reached), began
            seen = self._seen
        return _includes(lambda stream: seen.get(stream, 0), at_least)


def _includes(position: Callable[[StreamName], int], at_least: Mapping[StreamName, int]) -> bool:
    return all(position(stream) >= wanted for stream, wanted in at_least.items())
