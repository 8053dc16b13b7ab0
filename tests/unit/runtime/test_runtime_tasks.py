"""A waiter's own cancellation and the one of what it waits for are told apart."""

from __future__ import annotations

import asyncio

import pytest

from hub.errors import Fault, Retryable
from hub.refusals import BUS_UNAVAILABLE
from hub.runtime.tasks import end_of, outcome_of


async def held(gate: asyncio.Event, error: Exception | None = None) -> int:
    await gate.wait()
    if error is not None:
        raise error
    return 7


async def test_all_who_wait_get_what_it_did() -> None:
    gate = asyncio.Event()
    task = asyncio.create_task(held(gate))
    waiters = [asyncio.create_task(outcome_of(task)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*waiters) == [7, 7, 7]


async def test_all_who_wait_hear_its_error() -> None:
    gate = asyncio.Event()
    task = asyncio.create_task(held(gate, Fault("log_truncated", "x")))
    gate.set()
    for _ in range(2):
        with pytest.raises(Fault, match="log_truncated"):
            await outcome_of(task)


async def test_a_waiter_that_goes_away_takes_nobody_with_it() -> None:
    gate = asyncio.Event()
    task = asyncio.create_task(held(gate))
    leaving, staying = (asyncio.create_task(outcome_of(task)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    gate.set()
    assert await staying == 7


async def test_a_task_that_somebody_else_cancelled_is_an_error_and_no_cancellation_of_the_waiter() -> None:
    task = asyncio.create_task(held(asyncio.Event()))
    part, caller = (
        asyncio.create_task(outcome_of(task)),
        asyncio.create_task(outcome_of(task, BUS_UNAVAILABLE.refusal(why="closed"))),
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(Fault, match="part_ended"):
        await part
    with pytest.raises(Retryable, match="bus_unavailable"):
        await caller
    assert not part.cancelled()


@pytest.mark.parametrize("how", ["done", "broken", "cancelled"])
async def test_a_stop_waits_for_the_end_whichever_it_is(how: str) -> None:
    gate = asyncio.Event()
    task = asyncio.create_task(held(gate, ZeroDivisionError() if how == "broken" else None))
    ending = asyncio.create_task(end_of(task))
    await asyncio.sleep(0)
    assert not ending.done()
    gate.set() if how != "cancelled" else task.cancel()
    await ending
    assert task.done()
