"""Simulates the people of a trial.

Dispatchers, mediators and clerks work on each accepted dispute in two sittings.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Sequence
from typing import Final

from ops.play.scenarios.journeys import Step
from ops.play.simulators.ledger import ReceiptFile
from ops.play.simulators.mediators import Mediators, batches
from ops.play.trial.agency import Agency
from ops.play.trial.script import TrialCase

SITTING_S: Final = 1.0
LATER_S: Final = (2.0, 12.0)
TOGETHER: Final = 30


class People:
    """Works on the disputes that have receipts.

    Args:
        agencies: Agencies whose disputes are worked on.
        mediators: Client of intake.
        ledger: Gives the positions up to which intake must have applied hand-offs before anybody acts.
        dice: Random source for the time of the second sitting.
    """

    def __init__(
        self, agencies: Sequence[Agency], mediators: Mediators, ledger: ReceiptFile, dice: random.Random
    ) -> None:
        self._agencies = agencies
        self._mediators = mediators
        self._ledger = ledger
        self._dice = dice
        self._later: list[tuple[float, int, str, tuple[Step, ...]]] = []
        self._turn = 0
        self.commands = 0
        self.longest_s = 0.0
        self.faults: list[str] = []

    async def work(self, done: asyncio.Event) -> None:
        """Work until no more disputes come.

        It ends when `done` is set, which means that no more receipts come, and all disputes are finished.
        """
        while True:
            last = done.is_set()
            await self._sitting(everything=last)
            if last and not self._later:
                return
            if not last:
                await asyncio.sleep(SITTING_S)

    async def _sitting(self, *, everything: bool) -> None:
        now = time.monotonic()
        steps: list[tuple[str, Step]] = []
        while self._later and (everything or self._later[0][0] <= now):
            _, _, dispute_id, rest = heapq.heappop(self._later)
            steps += [(dispute_id, step) for step in rest]
        for agency in self._agencies:
            while not agency.accepted.empty():
                dispute_id, case = agency.accepted.get_nowait()
                steps += [(dispute_id, step) for step in self._first_half(dispute_id, case)]
        if not steps:
            return
        await self._mediators.await_applied(self._ledger.vector)
        self.longest_s = max(self.longest_s, time.monotonic() - now)
        for batch in batches(steps, TOGETHER):
            began = time.monotonic()
            refused = await self._mediators.carry_out(batch)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.commands += len(batch)
            self.faults += [f"command {each.step.action} was refused: {each.code}" for each in refused]

    def _first_half(self, dispute_id: str, case: TrialCase) -> Sequence[Step]:
        half = (len(case.way.steps) + 1) // 2
        rest = case.way.steps[half:]
        if rest:
            self._turn += 1
            due = time.monotonic() + self._dice.uniform(*LATER_S)
            heapq.heappush(self._later, (due, self._turn, dispute_id, rest))
        return case.way.steps[:half]
