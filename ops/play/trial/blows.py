"""Pauses and kills the services of `hub up`.

Their process ids come from its run folder.
"""

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
    """Pauses and kills services as planned.

    Args:
        folder: Run folder of the hub.
        serving: Tells whether a service serves. A service gets its next blow only after it serves again.
        happened: Called after each blow.
    """

    def __init__(
        self, folder: Path, serving: Callable[[str], Awaitable[bool]], happened: Callable[[Blow], None]
    ) -> None:
        self._folder = folder
        self._serving = serving
        self._happened = happened
        self.dealt: Counter[tuple[str, str]] = Counter()
        """(what, service) -> number of blows."""
        self.away: list[str] = []
        """Services that did not serve again in time."""
        self.missed: list[Blow] = []
        """Blows that hit no process; without hits a trial proves nothing."""

    def total(self, what: str) -> int:
        """Return the number of blows of one kind."""
        return sum(count for (done, _), count in self.dealt.items() if done == what)

    async def run(self, planned: Sequence[Blow]) -> None:
        """Carry out the blows of one service in order.

        Their times count from now.
        """
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
