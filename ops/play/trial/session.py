"""Runs one trial from start to verdict.

It runs a real `hub up` under steady load, with pauses and kills; then it drains the hub and counts everything.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dispute.contracts.topics import BRIDGES
from hub.errors import Fault, Refused
from ops.console.exits import BrokenPromise
from ops.play.scenarios.days import this_day
from ops.play.scenarios.expected import Sums, rates
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.agencies import PartnerSystem
from ops.play.simulators.answers import Patience
from ops.play.simulators.court import CourtSystem
from ops.play.simulators.ledger import ReceiptFile
from ops.play.simulators.mediators import Mediators
from ops.play.simulators.petition import PetitionSystem
from ops.play.simulators.police import PoliceSystem
from ops.play.trial.agency import Agency
from ops.play.trial.blows import Blows
from ops.play.trial.people import People
from ops.play.trial.plan import KILL, PAUSE, blows
from ops.play.trial.script import AGENCIES, cases
from ops.play.trial.up import HubUp
from ops.play.verify import compare_rates
from ops.run.books import balance, on_its_way
from ops.run.client import HubClient
from ops.run.credentials import shown
from ops.run.launcher import SERVICES
from ops.run.rates import CHANNELS
from ops.run.restarts import End, ends
from ops.run.run_folder import Running

SHARES: Final = {Docking.COURT: 0.5, Docking.POLICE: 0.35, Docking.PETITION: 0.15}
DRAIN_S: Final = 180.0
LOOK_S: Final = 0.5
WATCH_S: Final = 1.0
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """The operator's settings of a trial.

    Attributes:
        minutes: Length of the load.
        rate: Records per second of the three agencies together.
    """

    folder: Path
    minutes: float
    seed: int
    store: str
    rate: float


@dataclass(slots=True)
class TrialVerdict:
    """The result of a trial.

    Attributes:
        receipts: Number of records that have a receipt.
        missing: Number of those without all results that are due, or without an entry in the register.
        ended_by_itself: Ends of processes that the trial did not cause.
        restarts: Starts of processes after an end.
        books_difference: Sum of the stages' absolute differences; None when the books could not be read.
        dead: Records in the books that are dead letters or parked.
        figures_difference: Rates of stats that differ from the sum of what was sent.
        pauses: Pauses that the trial caused; `kills` likewise.
        longest_stall_s: Longest wait of any client for an answer.
        faults: Errors that no client should have met, one line each.
    """

    receipts: int = 0
    results: int = 0
    missing: int = 0
    ended_by_itself: int = 0
    restarts: int = 0
    books_difference: int | None = None
    dead: int = 0
    figures_difference: int = 0
    pauses: int = 0
    kills: int = 0
    commands: int = 0
    longest_stall_s: float = 0.0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when the trial found no fault.

        Nothing is missing, nothing ended by itself, and all sums agree.
        """
        wrong = (self.missing, self.ended_by_itself, self.books_difference, self.dead, self.figures_difference)
        return self.receipts > 0 and not any(n != 0 for n in wrong) and self.restarts == self.kills and not self.faults


@dataclass(slots=True)
class Show:
    """The progress of a running trial."""

    seconds: float = 0.0
    of: float = 0.0
    receipts: int = 0
    awaited: int = 0
    pauses: int = 0
    kills: int = 0
    restarts: int = 0
    line: str = ""


class Trial:
    """Runs and judges one trial.

    Args:
        wanted: The operator's settings.
        show: Updated while it runs.
    """

    def __init__(self, wanted: TrialSettings, show: Show) -> None:
        self._wanted = wanted
        self._show = show
        self._hub_folder = wanted.folder / "hub"
        self._patience = Patience()
        self._verdict = TrialVerdict()

    async def run(self) -> TrialVerdict:
        """Run the trial and return its verdict.

        There is a verdict whatever happens to the hub.
        """
        wanted, verdict = self._wanted, self._verdict
        self._show.of = wanted.minutes * 60
        async with AsyncExitStack() as stack:
            self._show.line = "枢纽启动中 hub up …"
            up = await stack.enter_async_context(HubUp(self._hub_folder, wanted.store))
            began = time.monotonic()
            run = up.running
            client = HubClient(run.grpc, run.http, shown(run.folder))
            stack.push_async_callback(client.close)
            ledger = stack.enter_context(ReceiptFile(wanted.folder / "ledger.jsonl"))
            systems = await stack.enter_async_context(self._systems(run, up.keys))
            mediators = Mediators([run.grpc["intake"]], up.tokens, self._patience)
            stack.push_async_callback(mediators.close)
            agencies = [self._agency(channel, system, ledger) for channel, system in systems.items()]
            people = People(agencies, mediators, ledger, self._dice("people"))
            striking = Blows(
                self._hub_folder, lambda label: _serves(client, label), lambda _: self._look(agencies, striking)
            )
            await self._unless_over(up, self._play(agencies, people, striking))
            await self._unless_over(up, self._drain(agencies, client))
            await self._unless_over(up, self._count(agencies, ledger, mediators, client))
            verdict.seconds = round(time.monotonic() - began, 1)
            self._add_up(agencies, people, striking, ledger)
            verdict.ended_by_itself += up.ended
        return verdict

    def _dice(self, what: str) -> random.Random:
        return random.Random(f"{self._wanted.seed}/{what}")  # noqa: S311 - reproducible, no secret

    def _agency(self, channel: Docking, system: PartnerSystem, ledger: ReceiptFile) -> Agency:
        source = cases(channel, self._wanted.seed, this_day)
        return Agency(system, source, rate=self._wanted.rate * SHARES[channel], dice=self._dice(channel), ledger=ledger)

    @asynccontextmanager
    async def _systems(self, run: Running, keys: dict[str, str]) -> AsyncIterator[dict[Docking, PartnerSystem]]:
        court, police, petition = (AGENCIES[channel] for channel in Docking)
        http, grpc, patience = run.http, run.grpc, self._patience
        found: dict[Docking, PartnerSystem] = {
            Docking.COURT: CourtSystem(court, http["court_bridge"], grpc["court_bridge"], keys[court], patience),
            Docking.POLICE: PoliceSystem(police, grpc["police_bridge"], keys[police], patience),
            Docking.PETITION: PetitionSystem(petition, http["petition_bridge"], keys[petition], patience),
        }
        try:
            yield found
        finally:
            for system in found.values():
                await system.close()

    async def _unless_over(self, up: HubUp, work: Coroutine[Any, Any, None]) -> None:
        """Do the work unless the hub ends.

        The work also ends early when a call fails for good or an answer breaks its contract; each such error becomes a
        fault.
        """
        if up.ended:
            work.close()
            return
        task = asyncio.create_task(work)
        try:
            while not task.done() and not up.ended:
                await asyncio.wait({task}, timeout=WATCH_S)
            if not task.done():
                self._verdict.faults.append(f"hub up ended: {up.log.read_text(encoding='utf-8')[-500:]}")
                return
            await task
        except* (BrokenPromise, TimeoutError, Refused, Fault, OSError) as group:
            self._verdict.faults += [f"{type(error).__name__}: {error}" for error in _leaves(group)]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _play(self, agencies: Sequence[Agency], people: People, striking: Blows) -> None:
        seconds = self._wanted.minutes * 60
        stop, no_more = asyncio.Event(), asyncio.Event()

        async def hand_over() -> None:
            async with asyncio.TaskGroup() as handing:
                for agency in agencies:
                    handing.create_task(agency.hand_over(stop))
            no_more.set()

        async def strike() -> None:
            async with asyncio.TaskGroup() as group:
                for service in SERVICES:
                    group.create_task(striking.run(blows(self._wanted.seed, service, seconds)))

        async with asyncio.TaskGroup() as group:
            fetching = [group.create_task(agency.keep_fetching()) for agency in agencies]
            watching = group.create_task(self._watch(agencies, striking))
            struck = group.create_task(strike())
            working = group.create_task(people.work(no_more))
            group.create_task(hand_over())
            await asyncio.sleep(seconds)
            await struck
            stop.set()
            self._show.line = "收尾 load has stopped, draining …"
            await working
            for task in (*fetching, watching):
                task.cancel()

    async def _watch(self, agencies: Sequence[Agency], striking: Blows) -> None:
        began = time.monotonic()
        self._show.line = "试运行 under load …"
        while True:
            self._show.seconds = time.monotonic() - began
            self._look(agencies, striking)
            await asyncio.sleep(WATCH_S)

    def _look(self, agencies: Sequence[Agency], striking: Blows) -> None:
        show = self._show
        show.receipts = sum(agency.receipts for agency in agencies)
        show.awaited = sum(len(agency.owed) for agency in agencies)
        show.pauses, show.kills = striking.total(PAUSE), striking.total(KILL)
        show.restarts = len(ends(self._hub_folder))

    async def _drain(self, agencies: Sequence[Agency], client: HubClient) -> None:
        """Wait until everything has arrived.

        No record is on its way then and every agency has all its results. The time is bounded (`DRAIN_S`).
        """
        end = time.monotonic() + DRAIN_S
        while time.monotonic() < end:
            for agency in agencies:
                await agency.fetch()
            if not any(agency.owed for agency in agencies) and not on_its_way(await client.sheets(SERVICES), BRIDGES):
                return
            await asyncio.sleep(LOOK_S)

    async def _count(
        self, agencies: Sequence[Agency], ledger: ReceiptFile, mediators: Mediators, client: HubClient
    ) -> None:
        verdict = self._verdict
        register = {dispute.dispute_id async for dispute in mediators.register()}
        unregistered = ledger.disputes() - register
        verdict.missing = len(unregistered | self._without_result(agencies, ledger))
        if strangers := register - ledger.disputes():
            verdict.faults.append(f"{len(strangers)} disputes are in the register without a receipt")
        books = balance(await client.sheets(SERVICES), BRIDGES)
        verdict.books_difference = sum(abs(stage.difference) for stage in books.stages)
        verdict.dead = sum(stage.dead + stage.parked for stage in books.stages)
        total = {channel: Sums() for channel in CHANNELS}
        for agency in agencies:
            for channel, more in agency.sums.items():
                total[channel] += more
        shown, _ = await client.rates("", "", await mediators.await_applied(ledger.vector))
        differing = compare_rates(rates(total), shown)
        verdict.figures_difference = len(differing)
        verdict.faults += [f"{line.what}: expected {line.expected}, found {line.found}" for line in differing]

    @staticmethod
    def _without_result(agencies: Sequence[Agency], ledger: ReceiptFile) -> set[str]:
        """Return the disputes whose agency lacks a result."""
        found = (ledger.dispute_of(agency.name, ref) for agency in agencies for ref in agency.owed)
        return {dispute_id for dispute_id in found if dispute_id is not None}

    def _add_up(self, agencies: Sequence[Agency], people: People, striking: Blows, ledger: ReceiptFile) -> None:
        verdict = self._verdict
        noted = ends(self._hub_folder)
        verdict.receipts = len(ledger)
        if verdict.books_difference is None:
            verdict.missing = len(self._without_result(agencies, ledger))
        verdict.results = verdict.receipts - verdict.missing
        verdict.restarts = sum(end.again_in_s is not None for end in noted)
        verdict.pauses, verdict.kills = striking.total(PAUSE), striking.total(KILL)
        verdict.commands = people.commands
        strange = uncaused(noted, Counter({s: n for (what, s), n in striking.dealt.items() if what == KILL}))
        verdict.ended_by_itself = len(strange)
        verdict.longest_stall_s = round(max(people.longest_s, *(agency.longest_s for agency in agencies)), 1)
        verdict.faults += [f"{end.process} ended by itself at {end.at}: {end.cause}" for end in strange]
        verdict.faults += [f"{service} was not back in time" for service in striking.away]
        verdict.faults += [f"a {blow.what} of {blow.service} hit nobody" for blow in striking.missed]
        verdict.faults += ledger.contradictions + people.faults[:SHOWN]
        for agency in agencies:
            verdict.faults += agency.faults[:SHOWN]


def uncaused(noted: Sequence[End], kills: Counter[str]) -> list[End]:
    """Return the ends that the trial did not cause.

    Of each service, as many ends by SIGKILL as the trial has killed it are the trial's own.
    """
    left, found = Counter(kills), []
    for end in noted:
        if left[end.process] and "SIGKILL" in end.cause:
            left[end.process] -= 1
        else:
            found.append(end)
    return found


async def _serves(client: HubClient, label: str) -> bool:
    return await client.sheet_now(label) is not None


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]
