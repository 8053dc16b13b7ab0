"""ASGI middleware that answers within a bounded time.

A request that takes longer is answered with the advice to retry.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.codes import DEADLINE_EXCEEDED
from hub.http.problems import problem_of

ANSWER_S: Final = 15.0
AFTER_S: Final = 2.0


class AnswerBound:
    """Cancels a late request and answers 504 with `Retry-After`.

    The time in which it waits for the caller does not count: a slow sender has a bound of its own. What the request had
    asked of the store is left out when its turn had not come. Otherwise it may have been done, and the same request
    sent again is given the same receipt.
    """

    def __init__(self, app: ASGIApp, answer_s: float = ANSWER_S) -> None:
        self._app = app
        self._answer_s = answer_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        async def receive_on() -> Message:
            bound.reschedule(None)
            try:
                return await receive()
            finally:
                bound.reschedule(asyncio.get_running_loop().time() + self._answer_s)

        try:
            async with asyncio.timeout(self._answer_s) as bound:
                await self._app(scope, receive_on, send_on)
        except TimeoutError:
            if begun or not bound.expired():
                raise
            await problem_of(DEADLINE_EXCEEDED.refusal(after_s=AFTER_S))(scope, receive, send)
