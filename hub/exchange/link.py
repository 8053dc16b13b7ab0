"""The bridge's link to the bus: comes up when Kafka does, so that accepting never waits for it (design D1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from hub.errors import Retryable
from hub.runtime.process import Part
from hub.runtime.tasks import end_of, outcome_of

RETRY_S: Final = 0.5

log = structlog.get_logger(__name__)


class BusLink:
    """Part that provisions the topics, in the background, and then runs the parts that need the bus.

    Args:
        provision: Called in a thread until it does not raise `Retryable`; a `Fault` (a topic that is not as the
            catalogue has it) ends the process.
        parts: Started in order once the topics are there, stopped in reverse.
    """

    name = "bus-link"

    def __init__(self, provision: Callable[[], None], parts: Sequence[Part]) -> None:
        self._provision = provision
        self._parts = parts
        self._started: list[Part] = []
        self._task: asyncio.Task[None] | None = None
        self.up = False

    async def start(self) -> None:
        """Begin to look for the bus; returns at once."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Stop looking, then stop the parts."""
        if self._task is not None:
            self._task.cancel()
            await end_of(self._task)
        self.up = False
        errors: list[Exception] = []
        while self._started:
            try:
                await self._started.pop().stop()
            except Exception as error:  # noqa: BLE001 - told below, once the others have stopped as well
                errors.append(error)
        if errors:
            raise errors[0]

    async def failed(self) -> None:
        """Wait until provisioning or a part fails; raises why."""
        if self._task is None:
            await asyncio.Event().wait()
        else:
            await outcome_of(self._task)

    async def _run(self) -> None:
        waiting = ""
        while True:
            try:
                await asyncio.to_thread(self._provision)
                break
            except Retryable as error:
                if error.detail != waiting:  # once for each cause, not twice a second
                    log.warning("bus_waited_for", code=error.code, detail=error.detail)
                    waiting = error.detail
                await asyncio.sleep(RETRY_S)
        for part in self._parts:
            self._started.append(part)
            await part.start()
        self.up = True
        log.info("bus_linked")
        watches = [asyncio.ensure_future(part.failed()) for part in self._parts]
        try:
            ended, _ = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for watch in watches:
                watch.cancel()
        for watch in ended:
            await outcome_of(watch)
