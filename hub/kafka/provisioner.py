"""Provisions the topics once the bus answers.

So the services can start in any order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from hub.errors import Retryable
from hub.runtime.tasks import end_of, outcome_of

_log = structlog.stdlib.get_logger(__name__)


class Provisioner:
    """Creates or checks the topics in the background, as a part.

    It starts as soon as the bus answers; the service serves meanwhile.

    Args:
        provision: Blocks until done or its own deadline.
    """

    name = "provisioner"

    def __init__(self, provision: Callable[[], None]) -> None:
        self._provision = provision
        self._task: asyncio.Task[None] | None = None
        self._awaited = ""

    def trouble(self) -> str:
        """Return the code of the bus's last answer.

        A bus that does not answer has a code too. Empty once the topics are there.
        """
        return self._awaited

    async def start(self) -> None:
        """Start the work in the background."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Stop waiting for the bus."""
        if self._task is not None:
            self._task.cancel()
            await end_of(self._task)

    async def failed(self) -> None:
        """Raise the `Fault` of a topic that does not match."""
        if self._task is not None:
            await outcome_of(self._task)
        await asyncio.Event().wait()

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._provision)
            except Retryable as error:
                if error.code != self._awaited:  # once for each cause, not twice a second
                    _log.warning("bus_awaited", code=error.code, detail=error.detail)
                self._awaited = error.code
                await asyncio.sleep(error.after_s)
            else:
                self._awaited = ""
                return
