"""Pauses and kills the services of a running `hub up`, by the process ids that its run folder tells."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals
from typing import Final

from ops.play.trial.plan import PAUSE, PAUSE_S, Blow

BACK_S: Final = 60.0
LOOK_S: Final = 0.2


class Blows:
    """Deals them out.

    Args:
        folder: Run folder of the hub.
        serving: Tells whether a service serves: nobody is struck before it is back from the blow before.
        happened: Called after each blow.
    """

    def __init__(
        self, folder: Path, serving: Callable[[str], Awaitable[bool]], happened: Callable[[Blow], None]
    ) -> None:
        self._folder = folder
        self._serving = serving
        self._happened = happened
        self.dealt: Counter[tuple[str, str]] = Counter()
        """(what, service) -> how often."""
        self.away: list[str] = []
        """Services that were not back in time."""
        self.missed: list[Blow] = []
        """Blows that hit nobody: a trial that strikes nothing proves nothing."""

    def total(self, what: str) -> int:
        """Return how often something was done to any service."""
        return sum(count for (done, _), count in self.dealt.items() if done == what)

    async def run(self, planned: Sequence[Blow]) -> None:
        """Deal out the blows of one service, in order, counted from now."""
        began = time.monotonic()
        for blow in planned:
            await asyncio.sleep(max(0.0, began + blow.at_s - time.monotonic()))
            await self._back(blow.service)
            hit = await self._pause(blow.service) if blow.what == PAUSE else self._signal(blow.service, SIGKILL)
            if not hit:
                self.missed.append(blow)
                continue
            self.dealt[blow.what, blow.service] += 1
            self._happened(blow)

    async def _pause(self, service: str) -> bool:
        hit = self._signal(service, SIGSTOP)
        try:
            await asyncio.sleep(PAUSE_S)
        finally:
            self._signal(service, SIGCONT)
        return hit

    async def _back(self, service: str) -> None:
        end = time.monotonic() + BACK_S
        while not await self._serving(service):
            if time.monotonic() > end:
                self.away.append(service)
                return
            await asyncio.sleep(LOOK_S)

    def _signal(self, service: str, number: Signals) -> bool:
        try:
            os.kill(int((self._folder / "pids" / f"{service}.pid").read_text()), number)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return False
        return True
