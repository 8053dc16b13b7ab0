"""Plays one agency of a trial.

It submits records at a steady rate, fetches results, and knows which results are still missing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from ops.play.scenarios.expected import EVER, Sums, sums
from ops.play.simulators.agencies import PartnerSystem, fetch_all
from ops.play.simulators.answers import Answer, ReceivedReceipt, ReceivedRefusal
from ops.play.simulators.bodies import body_of
from ops.play.simulators.ledger import ReceiptFile
from ops.play.simulators.playing import TRANSIENT
from ops.play.trial.script import TrialCase
from ops.play.verify import demanded

AT_ONCE: Final = 6
"""Largest number of unanswered calls; at this number the agency waits."""

BATCH_EVERY: Final = 4
BATCH: Final = (2, 6)
AGAIN_EVERY: Final = 25
"""One record in `AGAIN_EVERY` is submitted twice; the second receipt must be equal to the first."""

FETCH_S: Final = 2.0
RETRY_S: Final = 0.2


class Agency:
    """One agency's system and the clerk who uses it.

    Args:
        system: Client of its bridge.
        source: Its cases.
        rate: Records per second.
        dice: Random source for pauses and batches.
        ledger: Keeps the receipts.
    """

    def __init__(
        self,
        system: PartnerSystem,
        source: Iterator[TrialCase],
        *,
        rate: float,
        dice: random.Random,
        ledger: ReceiptFile,
    ) -> None:
        self._system = system
        self.name = system.agency
        self._source = source
        self._rate = rate
        self._dice = dice
        self._ledger = ledger
        self._calls = 0
        self._cursor = 0
        self.accepted: asyncio.Queue[tuple[str, TrialCase]] = asyncio.Queue()
        """(dispute id, case) of every receipt, for the mediators."""
        self.owed: dict[str, set[str]] = {}
        """Reference -> statuses that the agency has not received yet; an entry is made before the record is sent,
        because a result may arrive before its receipt."""
        self.results: Counter[str] = Counter()
        self.sums: dict[str, Sums] = {}
        self.receipts = 0
        self.longest_s = 0.0
        self.faults: list[str] = []

    async def hand_over(self, stop: asyncio.Event) -> None:
        """Submit records until `stop` is set.

        Calls that have begun are finished.
        """
        gate = asyncio.Semaphore(AT_ONCE)

        async def gated(cases: Sequence[TrialCase]) -> None:
            async with gate:
                await self._submit(cases)

        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                self._calls += 1
                size = self._dice.randint(*BATCH) if self._calls % BATCH_EVERY == 0 else 1
                group.create_task(gated(list(islice(self._source, size))))
                pause_s = self._dice.expovariate(self._rate / size)
                try:
                    await asyncio.wait_for(stop.wait(), pause_s)
                except TimeoutError:
                    # Too many calls have no answer: it waits, as people do.
                    async with gate:
                        continue

    async def fetch(self) -> None:
        """Fetch and confirm new results.

        Each is removed from `owed`.
        """
        began = time.monotonic()
        found, self._cursor = await fetch_all(self._system, self._cursor)
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        for result in found:
            self.results[result.status] += 1
            waiting = self.owed.get(result.source_ref)
            if waiting is not None:
                waiting.discard(result.status)
                if not waiting:
                    del self.owed[result.source_ref]

    async def keep_fetching(self) -> None:
        """Fetch results every `FETCH_S` until cancelled."""
        while True:
            await self.fetch()
            await asyncio.sleep(FETCH_S)

    async def _submit(self, cases: Sequence[TrialCase]) -> None:
        began = time.monotonic()
        bodies = [body_of(case.record) for case in cases]
        self.owed |= {case.record.ref: wanted(case) for case in cases}
        if len(cases) > 1:
            answers = await self._system.submit_batch(bodies)
        else:
            answers = [await self._system.submit(bodies[0])]
        for case, body, answer in zip(cases, bodies, answers, strict=True):
            final = answer
            while isinstance(final, ReceivedRefusal) and final.code in TRANSIENT:
                await asyncio.sleep(RETRY_S)
                final = await self._system.submit(body)
            self._note(case, final)
            if case.record.number % AGAIN_EVERY == 0:
                self._ledger_again(case, await self._system.submit(body))
        self.longest_s = max(self.longest_s, time.monotonic() - began)

    def _note(self, case: TrialCase, answer: Answer) -> None:
        record = case.record
        if isinstance(answer, ReceivedRefusal):
            del self.owed[record.ref]
            self.faults.append(f"{record.agency}: {record.ref} was refused: {answer.code} {answer.field}")
            return
        self._ledger.enter(record.agency, answer)
        self.receipts += 1
        ends_at = {} if case.way.ends_at is None else {record.number: case.way.ends_at}
        for channel, more in sums([record], ends_at, EVER).items():
            self.sums[channel] = self.sums.get(channel, Sums()) + more
        self.accepted.put_nowait((answer.dispute_id, case))

    def _ledger_again(self, case: TrialCase, answer: Answer) -> None:
        if isinstance(answer, ReceivedReceipt) and answer.repeated:
            self._ledger.enter(case.record.agency, answer)
        else:
            self.faults.append(f"{case.record.agency}: {case.record.ref} sent twice was not recognised")


def wanted(case: TrialCase) -> set[str]:
    """Return the statuses that the agency must receive."""
    last = demanded(case.record)
    return {case.record.answer} if last is None else {case.record.answer, last}
