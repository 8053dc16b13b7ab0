"""Group commit at the door: whatever waits while a commit is under way becomes one call of the unit (design D13)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from hub.store.store import Store, Transaction

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Collects items of concurrent callers and applies them together.

    The unit gets the items in the order they were submitted and returns one result or exception for each; an
    exception of one item leaves the others alone. An exception that the unit *raises* fails all its items.
    """

    def __init__(
        self,
        store: Store,
        unit: Callable[[Transaction, Sequence[Item]], Sequence[Result | Exception]],
        *,
        limit: int = 512,
    ) -> None:
        self._store = store
        self._unit = unit
        self._limit = limit
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Apply one item; returns after its durable commit, or raises the item's own exception."""
        return await self._enqueue(item)

    async def submit_all(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        """Apply many items in order; one result or exception for each."""
        futures = [self._enqueue(item) for item in items]
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
                raise outcome
        return [
            outcome for outcome in outcomes if not isinstance(outcome, BaseException) or isinstance(outcome, Exception)
        ]

    def _enqueue(self, item: Item) -> asyncio.Future[Result]:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return future

    async def _drain(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
            # A caller that went away before its turn is skipped: nothing of it was promised yet.
            taken = [(item, future) for item, future in taken if not future.cancelled()]
            if not taken:
                continue
            items = [item for item, _ in taken]
            try:
                outcomes = await self._store.write(lambda tx, items=items: self._apply(tx, items))  # type: ignore[misc]
            except Exception as error:  # noqa: BLE001 - belongs to the callers
                outcomes = [error] * len(taken)
            for (_, future), outcome in zip(taken, outcomes, strict=True):
                if future.done():
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _apply(self, tx: Transaction, items: Sequence[Item]) -> Sequence[Result | Exception]:
        outcomes = self._unit(tx, items)
        if len(outcomes) != len(items):
            message = f"the unit answered {len(outcomes)} of {len(items)} items"
            raise AssertionError(message)
        return outcomes
