"""A part that does one thing again and again."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod

from hub.runtime.tasks import end_of, outcome_of


class Periodic(ABC):
    """Repeats a step until it is stopped; each step tells when the next one is due.

    Attributes:
        name: For the log; lower case, no spaces.
    """

    name: str

    def __init__(self) -> None:
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._due = asyncio.Event()

    async def start(self) -> None:
        """Start the steps."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Finish the step under way."""
        self._stopped.set()
        self._due.set()
        if self._task is not None:
            await end_of(self._task)

    async def failed(self) -> None:
        """Raise the error that a step met; it waits for ever while there is none."""
        if self._task is not None:
            await outcome_of(self._task)
        await asyncio.Event().wait()

    @abstractmethod
    async def step(self) -> float | None:
        """Do it once.

        Returns the seconds to the next step, None when there is none. A raised error fails the part.
        """

    async def _run(self) -> None:
        while not self._stopped.is_set():
            wait_s = await self.step()
            if wait_s is None:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), wait_s)
            self._due.clear()

    def wake(self) -> None:
        """Let the next step come now."""
        self._due.set()
