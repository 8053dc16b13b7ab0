"""Lets a streamed answer end with a status although its writer was cancelled in its first write."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from hub.runtime.tasks import silence


class StreamCall:
    """A call's context whose first write goes on when its writer is cancelled.

    The first write carries the initial metadata. grpc.aio takes them for sent only when it has ended, and refuses a
    status that would send them again: the client would wait for one until its own deadline. So `abort` waits for that
    write. It ends when the client has read it or is gone.

    Args:
        context: What grpc handed to the servicer; everything else is asked of it.
    """

    def __init__(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self._context = context
        self._first: asyncio.Task[None] | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of any attribute
        return getattr(self._context, name)

    async def write(self, message: Any) -> None:  # noqa: ANN401 - a message of any method
        """Write an answer."""
        if self._first is not None:
            await self._context.write(message)
            return
        self._first = asyncio.ensure_future(self._context.write(message))
        self._first.add_done_callback(silence)  # when nobody waits for it any more
        await asyncio.wait({self._first})
        self._first.result()

    async def abort(self, *status: Any) -> None:  # noqa: ANN401 - as grpc's own
        """End the call with a status, after the first write."""
        if self._first is not None:
            await asyncio.wait({self._first})
        await self._context.abort(*status)
