"""Waiting for a task that is not the waiter's alone: its cancellation and the waiter's own are told apart here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from hub.errors import Fault

T = TypeVar("T")


def part_ended() -> Exception:
    """Return what the watcher of a part hears whose task somebody else cancelled."""
    return Fault("part_ended", "its task was cancelled by somebody else")


async def outcome_of(task: asyncio.Future[T], cancelled: Callable[[], Exception] = part_ended) -> T:
    """Return or raise what the task did, however many wait for it.

    A waiter that is cancelled goes away and leaves the task alone. When the *task* was cancelled the waiter was not: it
    hears an error. `asyncio.shield` raises CancelledError in both cases, and whoever awaits it takes the one for the
    other.

    Args:
        task: Shared; a future will do.
        cancelled: Makes the error for a task that somebody else cancelled.
    """
    await asyncio.wait({task})
    if task.cancelled():
        raise cancelled()
    return task.result()


async def end_of(task: asyncio.Future[Any]) -> None:
    """Wait for a task's end, whichever it is: for a `stop`, when the error goes out through `failed`."""
    await asyncio.wait({task})
    silence(task)


def silence(task: asyncio.Future[Any]) -> None:
    """Take note of a finished task's error, so that nobody is told of it at its end; also a done callback."""
    if not task.cancelled():
        task.exception()
