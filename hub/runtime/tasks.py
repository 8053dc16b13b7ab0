"""Waits for tasks that several waiters share.

It distinguishes a cancellation of the task from one of the waiter.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from hub.errors import Fault, Refusal

T = TypeVar("T")


async def outcome_of(task: asyncio.Future[T], refusal: Refusal | None = None) -> T:
    """Return or raise the outcome of a shared task.

    Any number may wait for it. A waiter that is cancelled stops waiting and leaves the task alone. When the *task* was
    cancelled, the waiter was not: it gets an error. `asyncio.shield` raises CancelledError in both cases, so its caller
    cannot tell them apart.

    Args:
        task: Shared; a future will do.
        refusal: What a waiter is told when somebody else cancelled the task; a fault when left out.
    """
    await asyncio.wait({task})
    if task.cancelled():
        if refusal is not None:
            raise refusal.error()
        raise Fault("part_ended", "its task was cancelled by somebody else")
    return task.result()


async def end_of(task: asyncio.Future[Any]) -> None:
    """Wait for a task's end, without its error.

    It is for a `stop`, when the error is raised through `failed`.
    """
    await asyncio.wait({task})
    silence(task)


def silence(task: asyncio.Future[Any]) -> None:
    """Mark a finished task's error as read.

    asyncio then does not report it when the task is destroyed. Also usable as a done callback.
    """
    if not task.cancelled():
        task.exception()
