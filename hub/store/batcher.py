"""Group commit for concurrent callers.

Items that wait while a commit is in progress are written by one call of the unit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from hub.errors import Bug, Refusal
from hub.refusals import STORE_CLOSED
from hub.store.failures import translate
from hub.store.store import Store, Transaction

GATHER_S: Final = 0.02
"""With several callers, commits begin at least this far apart. A commit costs a millisecond of CPU however few items it
has: without a pause a busy loop would commit for every caller alone, and those commits would keep it busy."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Parcel(Generic[Item, Result]):
    """Items of one caller, applied together.

    The caller waits on one future, however many items there are.
    """

    items: Sequence[Item]
    outcomes: asyncio.Future[Sequence[Result | Refusal | Bug]]


class Batcher(Generic[Item, Result]):
    """Applies items of concurrent callers together.

    The unit gets the items in the order they were submitted and returns one outcome for each; a refusal of one item
    does not affect the others. What the unit *raises* is the outcome of all its items.
    """

    def __init__(
        self,
        store: Store,
        unit: Callable[[Transaction, Sequence[Item]], Sequence[Result | Refusal | Bug]],
        *,
        limit: int = 512,
    ) -> None:
        self._store = store
        self._unit = unit
        self._limit = limit
        self._waiting: deque[_Parcel[Item, Result]] = deque()
        self._taken: Sequence[_Parcel[Item, Result]] = ()
        self._task: asyncio.Task[None] | None = None
        self._began_at = -GATHER_S
        self._crowded = False

    async def submit(self, item: Item) -> Result:
        """Apply one item.

        Returns after its durable commit, or raises the item's own refusal.
        """
        outcome = (await self._enqueue((item,)))[0]
        if isinstance(outcome, Refusal | Bug):
            raise outcome.error()
        return outcome

    async def submit_all(self, items: Sequence[Item]) -> Sequence[Result | Refusal | Bug]:
        """Apply many items in order.

        Returns one outcome for each.
        """
        parcels = [self._enqueue(items[at : at + self._limit]) for at in range(0, len(items), self._limit)]
        return [outcome for parcel in parcels for outcome in await parcel]

    def _enqueue(self, items: Sequence[Item]) -> asyncio.Future[Sequence[Result | Refusal | Bug]]:
        outcomes: asyncio.Future[Sequence[Result | Refusal | Bug]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Parcel(items, outcomes))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return outcomes

    async def _drain(self) -> None:
        try:
            await self._commit_all()
        finally:
            # After a cancellation, as at the end of the loop, no item is applied any more: its caller must not wait.
            for parcel in (*self._taken, *self._waiting):
                if not parcel.outcomes.done():
                    parcel.outcomes.set_result([STORE_CLOSED.refusal()] * len(parcel.items))
            self._waiting.clear()

    async def _commit_all(self) -> None:
        while self._waiting:
            await self._gather()
            parcels = self._taken = self._take()
            if not parcels:
                continue
            items = [item for parcel in parcels for item in parcel.items]
            outcomes: Sequence[Result | Refusal | Bug]
            try:
                outcomes = await self._store.write(lambda tx, items=items: self._apply(tx, items))  # type: ignore[misc]
            except Exception as error:  # noqa: BLE001 - belongs to the callers
                outcomes = [translate(error)] * len(items)
            given = iter(outcomes)
            for parcel in parcels:
                own = [next(given) for _ in parcel.items]
                if not parcel.outcomes.done():
                    parcel.outcomes.set_result(own)

    async def _gather(self) -> None:
        """Wait for other callers before the commit.

        Not when this caller is the only one (there is nobody to wait for) or a commit is full.
        """
        loop = asyncio.get_running_loop()
        full = sum(len(parcel.items) for parcel in self._waiting) >= self._limit
        if not full and (self._crowded or len(self._waiting) > 1):
            await asyncio.sleep(self._began_at + GATHER_S - loop.time())
        self._crowded, self._began_at = len(self._waiting) > 1, loop.time()

    def _take(self) -> list[_Parcel[Item, Result]]:
        """Take the parcels of one commit.

        At most `limit` items, but at least one parcel, which is never larger.
        """
        taken: list[_Parcel[Item, Result]] = []
        room = self._limit
        while self._waiting and len(self._waiting[0].items) <= room:
            parcel = self._waiting.popleft()
            # A caller that went away before its turn is skipped: nothing of it was promised yet.
            if not parcel.outcomes.cancelled():
                taken.append(parcel)
                room -= len(parcel.items)
        return taken

    def _apply(self, tx: Transaction, items: Sequence[Item]) -> Sequence[Result | Refusal | Bug]:
        outcomes = self._unit(tx, items)
        if len(outcomes) != len(items):
            message = f"the unit answered {len(outcomes)} of {len(items)} items"
            raise AssertionError(message)
        return outcomes
