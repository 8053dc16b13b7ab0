"""The buffer between a feed's consumer and its reader.

It is bounded in records and bytes, and emptied at a revocation.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from hub.streams.ports import FeedRecord


class Buffer:
    """Records in the order of their arrival.

    For use in one event loop only.

    Args:
        max_records: Bound.
        max_bytes: Bound; one record larger than this is still taken when the buffer is empty.
    """

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._records: deque[FeedRecord] = deque()
        self._bytes = 0
        self._epoch = 0
        self._space = asyncio.Event()
        self.changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._records)

    @property
    def full(self) -> bool:
        """Return whether the next `put` waits."""
        return bool(self._records) and (len(self._records) >= self._max_records or self._bytes >= self._max_bytes)

    async def put(self, record: FeedRecord) -> bool:
        """Add a record, once there is room.

        False when a revocation came first and the record was dropped.
        """
        epoch = self._epoch
        while self.full:
            self._space.clear()
            await self._space.wait()
            if epoch != self._epoch:
                return False
        self._records.append(record)
        self._bytes += _size(record)
        self.changed.set()
        return True

    def take(self, limit: int) -> Sequence[FeedRecord]:
        """Remove and return at most `limit` records."""
        taken = [self._records.popleft() for _ in range(min(limit, len(self._records)))]
        self._bytes -= sum(_size(record) for record in taken)
        self._space.set()
        return taken

    def drop(self) -> None:
        """Discard all records, also those in a waiting `put`."""
        self._epoch += 1
        self._records.clear()
        self._bytes = 0
        self._space.set()


def _size(record: FeedRecord) -> int:
    return len(record.value or b"") + len(record.key or b"")
