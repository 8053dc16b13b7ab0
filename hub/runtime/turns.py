"""Splits one request's long work into short turns.

The event loop can then do other work in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

TURN_S: Final = 0.02


async def in_turns(items: Iterable[T], *, elapsed: Callable[[], float] = time.monotonic) -> AsyncIterator[T]:
    """Yield the items, with pauses for the loop.

    After each 20 ms of work everything else that waits in the loop goes first.
    """
    until = elapsed() + TURN_S
    for item in items:
        yield item
        if elapsed() >= until:
            await asyncio.sleep(0)
            until = elapsed() + TURN_S
