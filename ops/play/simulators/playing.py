"""Plays one agency's part of a tick.

It sends the agency's records and bad requests, and records the receipts.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from ops.console.exits import BrokenPromise
from ops.play.progress import RunProgress
from ops.play.scenarios.model import Scenario
from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.agencies import PartnerSystem
from ops.play.simulators.answers import Answer, ReceivedReceipt, ReceivedRefusal
from ops.play.simulators.bodies import body_of
from ops.play.simulators.ledger import ReceiptFile
from ops.play.simulators.nuisance import changed, misbehave

BATCH: Final[dict[Docking, int]] = {
    Docking.COURT: 20,
    Docking.POLICE: 10,
    Docking.PETITION: 5,
}
SINGLE_EVERY: Final = 6
AT_ONCE: Final = 4
TRANSIENT: Final = frozenset({"outbox_full", "unavailable", "in_flight", "store_busy"})


@dataclass(frozen=True, slots=True)
class Nuisances:
    """The records that are used for noise.

    Each set holds record numbers. The records are sent twice, sent changed, or made into bad requests.
    """

    resent: frozenset[int] = frozenset()
    changed_body: frozenset[int] = frozenset()
    malformed: frozenset[int] = frozenset()
    wrong_key: frozenset[int] = frozenset()


def nuisances(scenario: Scenario, records: Sequence[Record]) -> Nuisances:
    """Choose the records for noise by the seed."""
    dice = random.Random(f"{scenario.seed}/noise")  # noqa: S311 - reproducible simulation, no secret
    numbers = [record.number for record in records]

    def some(count: int) -> frozenset[int]:
        return frozenset(dice.sample(numbers, min(count, len(numbers))))

    noise = scenario.noise
    return Nuisances(some(noise.resent), some(noise.changed_body), some(noise.malformed), some(noise.wrong_key))


@dataclass(slots=True)
class Faults:
    """Wrong answers of the bridges, each a difference."""

    lines: list[str] = field(default_factory=list)


class AgencyClient:
    """Plays one agency in a run.

    Args:
        system: The agency's system.
        stranger: The same system with a credential that its bridge doesn't know.
        ledger: Keeps the receipts.
        progress: For the screen.
        noise: Records that are used for noise.
        faults: Collects wrong answers of the bridge.
    """

    def __init__(
        self,
        system: PartnerSystem,
        stranger: PartnerSystem,
        *,
        ledger: ReceiptFile,
        progress: RunProgress,
        noise: Nuisances,
        faults: Faults,
    ) -> None:
        self.system = system
        self.stranger = stranger
        self._ledger = ledger
        self._progress = progress
        self._noise = noise
        self._faults = faults
        self._turn = 0

    async def send(self, records: Sequence[Record], *, seed: str, shuffled: bool) -> None:
        """Send a tick's records.

        Some go singly, most in batches, with several requests at the same time.
        """
        if not records:
            return
        order = list(records)
        if shuffled:
            random.Random(seed).shuffle(order)  # noqa: S311 - reproducible simulation, no secret
        singles = [record for record in order if record.number % SINGLE_EVERY == 0]
        rest = [record for record in order if record.number % SINGLE_EVERY]
        size = BATCH[order[0].channel]
        calls: list[Callable[[], Awaitable[None]]] = [partial(self._one, record) for record in singles]
        calls += [partial(self._many, rest[at : at + size]) for at in range(0, len(rest), size)]
        gate = asyncio.Semaphore(AT_ONCE)

        async def gated(call: Callable[[], Awaitable[None]]) -> None:
            async with gate:
                await call()

        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(gated(call))
        for record in order:
            await self._annoy(record)

    async def _one(self, record: Record) -> None:
        # Every other single record has an idempotency key of its own; the others use their reference.
        key = f"{record.agency}-{record.number}" if record.number % (2 * SINGLE_EVERY) == 0 else None
        await self._note(record, await self.system.submit(body_of(record), key))

    async def _many(self, records: Sequence[Record]) -> None:
        answers = await self.system.submit_batch([body_of(record) for record in records])
        for record, answer in zip(records, answers, strict=True):
            await self._note(record, answer)

    async def _note(self, record: Record, answer: Answer) -> None:
        while isinstance(answer, ReceivedRefusal) and answer.code in TRANSIENT:
            await asyncio.sleep(0.2)
            answer = await self.system.submit(body_of(record))
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(
                f"{record.channel} record {record.number} was refused: {answer.code} {answer.field} ({answer.status})"
            )
        if answer.source_ref != record.ref:
            raise BrokenPromise(f"{record.channel} record {record.number} got another record's receipt")
        self._ledger.enter(record.agency, answer)
        self._progress.sent[record.channel] += 1

    async def _annoy(self, record: Record) -> None:
        noise, number = self._noise, record.number
        if number in noise.resent:
            answer = await self.system.submit(body_of(record))
            if isinstance(answer, ReceivedReceipt) and answer.repeated:
                self._ledger.enter(record.agency, answer)
            else:
                self._faults.lines.append(f"{record.channel}: a record sent twice was not recognised: {answer}")
        if number in noise.changed_body:
            self._refused(record, "changed_body", await self.system.submit(changed(record)))
        if number in noise.malformed:
            self._turn += 1
            mischief = await misbehave(self.system, record, self._turn)
            self._refused(record, mischief.name, mischief.answer)
        if number in noise.wrong_key:
            self._refused(record, "wrong_key", await self.stranger.submit(body_of(record)))

    def _refused(self, record: Record, name: str, answer: Answer) -> None:
        self._progress.refused[record.channel] += 1
        if isinstance(answer, ReceivedReceipt):
            self._faults.lines.append(f"{record.channel}: {name} was accepted")
        elif not answer.code:
            self._faults.lines.append(f"{record.channel}: {name} was refused without a code ({answer.status})")
