"""Plays a scenario through a running hub.

It plays the weeks of business time in order, each with the parts of partners and mediators.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from hub.streams.envelope import StreamName
from ops.play.progress import RunProgress
from ops.play.scenarios.expected import business_day, ticks
from ops.play.scenarios.generate import generate
from ops.play.scenarios.journeys import Journey, Step, journey
from ops.play.scenarios.model import Scenario
from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.agencies import PartnerSystem, fetch_all
from ops.play.simulators.answers import ReceivedRefusal, ReceivedResult
from ops.play.simulators.court import CourtSystem
from ops.play.simulators.ledger import ReceiptFile
from ops.play.simulators.mediators import Mediators, RefusedCommand, batches
from ops.play.simulators.playing import AgencyClient, Faults

COMMANDS_AT_ONCE: Final = 3
COMMANDS_A_CALL: Final = 150
RULING: Final = "ruling"


class DemoPace(Protocol):
    """Controls the driver's speed; chaos slows it down."""

    async def pace(self, fraction: float) -> None:
        """Wait until the driver may continue.

        `fraction` is the share of the work that is done.
        """


class FullSpeed:
    """A pace that never waits."""

    async def pace(self, fraction: float) -> None:
        """Return at once; only chaos uses `fraction`."""


@dataclass(frozen=True, slots=True)
class Script:
    """A scenario expanded into records and journeys.

    Attributes:
        records: In order of arrival.
        journeys: Record number to what people do with it.
        ticks: Ends of the weeks.
    """

    scenario: Scenario
    records: tuple[Record, ...]
    journeys: Mapping[int, Journey]
    ticks: tuple[datetime, ...]

    @property
    def ends_at(self) -> dict[int, datetime]:
        """Record number to the instant of its end.

        Only records that a person ends are included.
        """
        return {number: way.ends_at for number, way in self.journeys.items() if way.ends_at is not None}


def write_out(scenario: Scenario) -> Script:
    """Expand a scenario; a pure function."""
    records = generate(scenario)
    journeys = {record.number: journey(record, scenario) for record in records}
    return Script(scenario, records, journeys, tuple(ticks(scenario.window, scenario.tick_days, records)))


@dataclass(slots=True)
class Played:
    """The state of the partners after a run.

    Attributes:
        handoffs: Hand-off streams up to the last acknowledged record.
        journal: Positions in the journal after everything.
        refused: Commands that intake refused.
        results: Agency to the results it fetched.
    """

    handoffs: dict[StreamName, int] = field(default_factory=dict)
    journal: dict[StreamName, int] = field(default_factory=dict)
    refused: list[RefusedCommand] = field(default_factory=list)
    results: dict[str, list[ReceivedResult]] = field(default_factory=lambda: defaultdict(list))
    cursors: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Driver:
    """Plays a script through a hub.

    Args:
        script: What is played.
        clients: Channel to the client of the agency.
        mediators: Client of intake.
        ledger: Receipts.
        progress: For the screen.
        pace: Slows the driver down under chaos.
        faults: Collects wrong answers of the bridges.
        moves_clock: True when the hub runs on the scenario clock, which is moved after every week; else time passes by
            itself.
    """

    def __init__(
        self,
        script: Script,
        clients: Mapping[Docking, AgencyClient],
        *,
        mediators: Mediators,
        ledger: ReceiptFile,
        progress: RunProgress,
        pace: DemoPace,
        faults: Faults,
        moves_clock: bool = True,
    ) -> None:
        self._script = script
        self._clients = clients
        self._mediators = mediators
        self._ledger = ledger
        self._progress = progress
        self._pace = pace
        self._faults = faults
        self._moves_clock = moves_clock
        self._by_number = {record.number: record for record in script.records}
        self._parts_done = 0
        self.played = Played()

    @property
    def records(self) -> tuple[Record, ...]:
        """Records that are played."""
        return self._script.records

    async def play(self) -> Played:
        """Play every week and return the partners' state."""
        start = datetime.min.replace(tzinfo=self._script.ticks[0].tzinfo)
        steps = [step for way in self._script.journeys.values() for step in way.steps]
        self._progress.ticks = len(self._script.ticks)
        for end in self._script.ticks:
            await self._week(start, end, [step for step in steps if start <= step.at < end])
            self._progress.tick += 1
            start = end
        return self.played

    async def _week(self, start: datetime, end: datetime, steps: Sequence[Step]) -> None:
        arrivals = [record for record in self._script.records if start <= record.arrives_at < end]
        self._progress.business_date = business_day(end)
        await self._part()
        await self._submit(arrivals, end)
        await self._mediators.await_applied(self._ledger.vector)
        await self._part()
        await self._act(steps)
        if self._moves_clock:
            fired, self.played.journal = await self._mediators.advance_clock(end, self._ledger.vector)
            self._progress.timers += fired
        else:
            self.played.journal = await self._mediators.await_applied(self._ledger.vector)
        await self.fetch_results()
        self.played.handoffs = self._ledger.vector

    async def _part(self) -> None:
        # A week has two parts: the records that partners send, and the commands of people.
        await self._pace.pace(self._parts_done / (2 * len(self._script.ticks)))
        self._parts_done += 1

    async def _submit(self, arrivals: Sequence[Record], end: datetime) -> None:
        shuffled = self._script.scenario.noise.shuffled
        async with asyncio.TaskGroup() as group:
            for channel, client in self._clients.items():
                own = [record for record in arrivals if record.channel is channel]
                group.create_task(client.send(own, seed=f"{self._script.scenario.seed}/{end}", shuffled=shuffled))

    async def _act(self, steps: Sequence[Step]) -> None:
        """Carry out a week's steps.

        A ruling goes through the court's bridge, so the steps after it wait until intake has applied it.
        """
        waiting: dict[int, list[Step]] = defaultdict(list)
        for step in sorted(steps, key=lambda step: (step.number, step.order)):
            waiting[step.number].append(step)
        while waiting:
            commands, rulings = _next_round(waiting)
            await self._execute(commands)
            if rulings:
                await self._rule(rulings)
                await self._mediators.await_applied(self._ledger.vector)

    async def _execute(self, steps: Sequence[Step]) -> None:
        named = [(self._dispute_of(step), step) for step in steps]
        gate = asyncio.Semaphore(COMMANDS_AT_ONCE)

        async def carry_out(batch: Sequence[tuple[str, Step]]) -> None:
            async with gate:
                self.played.refused += await self._mediators.carry_out(batch)
            self._progress.commands += len(batch)

        async with asyncio.TaskGroup() as group:
            for batch in batches(named, COMMANDS_A_CALL):
                group.create_task(carry_out(batch))

    async def _rule(self, steps: Sequence[Step]) -> None:
        for step in steps:
            record = self._by_number[step.number]
            court = self._clients[record.channel].system
            if not isinstance(court, CourtSystem):
                raise TypeError(f"{record.channel} gives no rulings")
            confirmed = dict(step.arguments)["confirmed"] is True
            answer = await court.report_ruling(record.ref, step.command_id, step.at, confirmed=confirmed)
            if isinstance(answer, ReceivedRefusal):
                self._faults.lines.append(f"court: a ruling was refused: {answer.code}")
            else:
                self._ledger.passed(answer.stream, answer.position)

    def _dispute_of(self, step: Step) -> str:
        record = self._by_number[step.number]
        dispute_id = self._ledger.dispute_of(record.agency, record.ref)
        if dispute_id is None:
            raise LookupError(f"record {record.number} acts before it has a receipt")
        return dispute_id

    async def fetch_results(self) -> None:
        """Fetch and acknowledge every agency's new results."""

        async def fetch(system: PartnerSystem) -> None:
            found, cursor = await fetch_all(system, self.played.cursors[system.agency])
            self.played.results[system.agency] += found
            self.played.cursors[system.agency] = cursor

        async with asyncio.TaskGroup() as group:
            for client in self._clients.values():
                group.create_task(fetch(client.system))


def _next_round(waiting: dict[int, list[Step]]) -> tuple[list[Step], list[Step]]:
    """Take each record's steps up to its next ruling.

    The ruling is taken too, in the second list. The remaining steps wait for the next round.
    """
    commands: list[Step] = []
    rulings: list[Step] = []
    for number in list(waiting):
        own = waiting[number]
        at = next((index for index, step in enumerate(own) if step.action == RULING), len(own))
        commands += own[:at]
        rulings += own[at : at + 1]
        waiting[number] = own[at + 1 :]
        if not waiting[number]:
            del waiting[number]
    return commands, rulings
