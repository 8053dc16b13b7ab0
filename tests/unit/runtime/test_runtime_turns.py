"""Long work in short turns."""

from __future__ import annotations

import asyncio

from hub.runtime.turns import in_turns


async def turns_of_others(clock: list[float]) -> tuple[list[int], int]:
    """Return the items, and how often another task had its turn; each look at the clock is one of `clock`."""
    times, others = iter(clock), 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    seen = [item async for item in in_turns(range(4), elapsed=lambda: next(times))]
    task.cancel()
    return seen, others


async def test_others_have_their_turn_when_work_was_long() -> None:
    # start; after items 0..3, each followed by a new start
    assert await turns_of_others([0, 1, 1, 2, 2, 3, 3, 4, 4]) == ([0, 1, 2, 3], 4)


async def test_short_work_is_not_interrupted() -> None:
    assert await turns_of_others([0, 0.001, 0.002, 0.003, 0.004]) == ([0, 1, 2, 3], 0)
