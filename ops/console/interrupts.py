"""Cancels a command on Ctrl-C or SIGTERM.

It is cancelled once, and everything that it started is stopped in order.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from ops.console.exits import CommandError, Exit

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` and return its result.

    Raises:
        CommandError: `INTERRUPTED`: it was cancelled by SIGINT or SIGTERM, and has cleaned up.
    """
    return asyncio.run(_guarded(work))


async def _guarded(work: Coroutine[Any, Any, T]) -> T:
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    asked = False

    def stop() -> None:
        nonlocal asked
        # A second Ctrl-C changes nothing: stopping is bounded anyway, and children must not be left behind.
        if not asked:
            asked = True
            task.cancel()

    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if asked:
            raise CommandError(Exit.INTERRUPTED, "已中断 interrupted") from None
        raise
    finally:
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(sign)
