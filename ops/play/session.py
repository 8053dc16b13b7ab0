"""Runs one demo from start to verdict.

It starts the hub, the partners and chaos, runs the driver, and compares the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dispute.contracts.topics import BRIDGES
from hub.errors import Retryable
from ops.play.chaos import LEAST_KILLS, Chaos, Kill, least_loaded
from ops.play.demo import Driver, FullSpeed, Played, Script, write_out
from ops.play.privacy import search
from ops.play.progress import RunProgress
from ops.play.scenarios.expected import EVER, Sums, rates, sums
from ops.play.scenarios.model import Scenario
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.agencies import PartnerSystem
from ops.play.simulators.answers import Patience
from ops.play.simulators.court import CourtSystem
from ops.play.simulators.ledger import ReceiptFile
from ops.play.simulators.mediators import Mediators
from ops.play.simulators.petition import PetitionSystem
from ops.play.simulators.playing import AgencyClient, Faults, nuisances
from ops.play.simulators.police import PoliceSystem
from ops.play.verify import (
    Difference,
    compare_books,
    compare_gauges,
    compare_rates,
    compare_results,
    compare_sets,
)
from ops.repair.dumps import collect
from ops.run.books import Books, balance
from ops.run.client import HubClient
from ops.run.credentials import FOLDER, PEOPLE, make, shown
from ops.run.launcher import SERVICES, Hub, LaunchPlan
from ops.run.rates import RateRow

SETTLE_S: Final = 60.0
QUIET_S: Final = 0.2
CHAOS_SETTINGS: Final = {"HUB_SESSION_TIMEOUT_S": "3"}
"""Frees a killed reader's partitions sooner: its successor is the same service, started again at once."""


@dataclass(frozen=True, slots=True)
class Options:
    """The operator's options of a demo."""

    scenario: Scenario
    folder: Path
    store: str = "sqlite"
    intake_workers: int = 1
    chaos: int | None = None
    clock: str = "scenario"
    secured: bool = False


@dataclass(slots=True)
class RunReport:
    """The result of a demo run."""

    script: Script
    broker_kind: str
    broker_version: str
    rates: tuple[RateRow, ...] = ()
    books: Books | None = None
    events: int = 0
    kills: list[Kill] = field(default_factory=list)
    pauses: int = 0
    seconds: float = 0.0
    traces: int = 0
    dumped_bytes: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when nothing differs and the books balance."""
        return not self.differences and self.books is not None and self.books.balanced


class Session:
    """Runs one demo and judges it.

    Args:
        options: The operator's options.
        progress: Updated while it runs.
        say: Gets progress lines.
    """

    def __init__(self, options: Options, progress: RunProgress, say: Callable[[str], None]) -> None:
        self._options = options
        self._progress = progress
        self._say = say
        self._patience = Patience()
        self._faults = Faults()

    async def run(self) -> RunReport:
        """Play the scenario and judge the result."""
        options = self._options
        script = write_out(options.scenario)
        plans = options.scenario.channels
        credentials = make(
            options.folder / FOLDER, [(plan.agency, options.scenario.county) for plan in plans.values()], PEOPLE
        )
        strangers = {plan.agency: "no-key-of-anybody" for plan in plans.values()}
        plan = LaunchPlan(
            options.folder,
            options.store,
            options.intake_workers,
            clock=options.clock,
            secured=options.secured,
            settings=CHAOS_SETTINGS if options.chaos is not None else {},
        )
        async with AsyncExitStack() as stack:
            hub = await stack.enter_async_context(Hub(plan, self._say))
            hub.write_runfile()
            hub_client = HubClient(
                {c.label: c.grpc_address for c in hub.children},
                {c.label: c.http_url for c in hub.children},
                shown(options.folder),
            )
            stack.push_async_callback(hub_client.close)
            ledger = stack.enter_context(ReceiptFile(options.folder / "ledger.jsonl"))
            systems = await stack.enter_async_context(self._systems(hub, credentials.keys))
            others = await stack.enter_async_context(self._systems(hub, strangers))
            mediators = Mediators(
                [child.grpc_address for child in hub.of("intake")], credentials.tokens, self._patience
            )
            stack.push_async_callback(mediators.close)
            report = RunReport(script, hub.broker.kind, hub.broker.version)
            noise = nuisances(options.scenario, script.records)
            clients = {
                channel: AgencyClient(
                    system, others[channel], ledger=ledger, progress=self._progress, noise=noise, faults=self._faults
                )
                for channel, system in systems.items()
            }
            chaos = None if options.chaos is None else self._chaos(options.chaos, hub, hub_client)
            driver = Driver(
                script,
                clients,
                mediators=mediators,
                ledger=ledger,
                progress=self._progress,
                pace=chaos or FullSpeed(),
                faults=self._faults,
                moves_clock=options.clock == "scenario",
            )
            guarding = asyncio.create_task(hub.guard())
            working = asyncio.create_task(
                self._play_and_judge(report, driver, chaos, ledger=ledger, mediators=mediators, hub_client=hub_client)
            )
            stack.push_async_callback(_cancel, guarding, working)
            await asyncio.wait({guarding, working}, return_when=asyncio.FIRST_COMPLETED)
            await (guarding if guarding.done() else working)
            await self._look_for_people(report, hub, hub_client)
            report.seconds = round(self._progress.seconds, 1)
        return report

    def _chaos(self, seed: int, hub: Hub, hub_client: HubClient) -> Chaos:
        # Pauses have an effect on the wall clock only: on the scenario clock no time passes meanwhile.
        return Chaos(seed, hub, hub_client, self._killed, pausing=self._options.clock == "wall")

    def _killed(self, kill: Kill) -> None:
        self._progress.kills += 1
        self._say(f"kill -9 {kill.service}: outbox {kill.outbox_rows}, unread {kill.unread}")

    @asynccontextmanager
    async def _systems(self, hub: Hub, keys: Mapping[str, str]) -> AsyncIterator[dict[Docking, PartnerSystem]]:
        found: dict[Docking, PartnerSystem] = {}
        for channel, plan in self._options.scenario.channels.items():
            (bridge,) = hub.of(f"{channel}_bridge")
            key = keys[plan.agency]
            match channel:
                case Docking.COURT:
                    found[channel] = CourtSystem(plan.agency, bridge.http_url, bridge.grpc_address, key, self._patience)
                case Docking.POLICE:
                    found[channel] = PoliceSystem(plan.agency, bridge.grpc_address, key, self._patience)
                case Docking.PETITION:
                    found[channel] = PetitionSystem(plan.agency, bridge.http_url, key, self._patience)
        try:
            yield found
        finally:
            for system in found.values():
                await system.close()

    async def _play_and_judge(
        self,
        report: RunReport,
        driver: Driver,
        chaos: Chaos | None,
        *,
        ledger: ReceiptFile,
        mediators: Mediators,
        hub_client: HubClient,
    ) -> None:
        self._say("演示中 playing …")
        played = await self._play(driver, chaos, hub_client)
        self._say("比对中 comparing …")
        if chaos is not None:
            report.kills, report.pauses = chaos.kills, chaos.pauses.total()
        await self._judge(report, driver, played, ledger=ledger, mediators=mediators, hub_client=hub_client)

    async def _play(self, driver: Driver, chaos: Chaos | None, hub_client: HubClient) -> Played:
        watching = asyncio.create_task(self._watch(hub_client))
        striking = None if chaos is None else asyncio.create_task(chaos.run())
        try:
            played = await driver.play()
            if chaos is not None and striking is not None:
                chaos.finish()
                await striking
        finally:
            for task in (watching, striking):
                if task is not None and not task.done():
                    task.cancel()
            await asyncio.gather(*(task for task in (watching, striking) if task is not None), return_exceptions=True)
        if striking is not None and not striking.cancelled():
            striking.result()
        return played

    async def _watch(self, hub_client: HubClient) -> None:
        """Update the screen's figures.

        A service that does not answer keeps its last figures.
        """
        window = self._options.scenario.window

        async def books() -> None:
            while True:
                try:
                    self._progress.books = balance(await hub_client.sheets(SERVICES), BRIDGES)
                    self._progress.lag_s = max([await hub_client.lag_s(label) for label in ("intake", "stats")])
                except Retryable as error:
                    self._progress.line = error.code
                await asyncio.sleep(1.0)

        async def figures() -> None:
            while True:
                async for table, events in hub_client.watch_rates(*window.dates):
                    self._progress.rates, self._progress.events = table, events
                await asyncio.sleep(0.5)

        async with asyncio.TaskGroup() as group:
            group.create_task(books())
            group.create_task(figures())

    async def _judge(
        self,
        report: RunReport,
        driver: Driver,
        played: Played,
        *,
        ledger: ReceiptFile,
        mediators: Mediators,
        hub_client: HubClient,
    ) -> None:
        script, window = report.script, report.script.scenario.window
        expected = sums(script.records, script.ends_at, window)
        report.rates, report.events = await hub_client.rates(*window.dates, played.journal)
        report.differences += compare_rates(rates(expected), report.rates)
        ever = sums(script.records, script.ends_at, EVER)
        report.differences += await self._settled(
            lambda: self._gauge_differences(ever, hub_client, script.scenario.county)
        )
        register = {dispute.dispute_id async for dispute in mediators.register()}
        report.differences += compare_sets("登记簿与回执 register and receipts", ledger.disputes(), register)
        if len(ledger) != len(script.records):
            report.differences.append(Difference("回执 receipts", str(len(script.records)), str(len(ledger))))
        report.differences += await self._settled(lambda: self._result_differences(driver, played))
        report.differences += await self._settled(lambda: self._book_differences(report, hub_client))
        report.differences += [Difference("报送 submission", "—", line) for line in self._faults.lines]
        report.differences += [Difference("回执 receipts", "—", line) for line in ledger.contradictions]
        report.differences += [
            Difference(
                f"指令 command {refused.step.action}, 记录 record {refused.step.number}", "carried out", refused.code
            )
            for refused in played.refused
        ]
        if self._options.chaos is not None:
            report.differences += _enough(report.kills, least_loaded(pausing=self._options.clock == "wall"))

    async def _settled(self, look: Callable[[], Awaitable[list[Difference]]]) -> list[Difference]:
        """Repeat a comparison until nothing differs.

        The time is bounded (`SETTLE_S`). Bridges and gauges are a moment behind, so a first difference may vanish.
        """
        end = asyncio.get_running_loop().time() + SETTLE_S
        while True:
            differences = await look()
            if not differences or asyncio.get_running_loop().time() > end:
                return differences
            await asyncio.sleep(QUIET_S)

    @staticmethod
    async def _gauge_differences(expected: Mapping[str, Sums], hub_client: HubClient, county: str) -> list[Difference]:
        return compare_gauges(expected, await hub_client.metrics("stats"), county)

    @staticmethod
    async def _result_differences(driver: Driver, played: Played) -> list[Difference]:
        await driver.fetch_results()
        return compare_results(driver.records, played.results)

    @staticmethod
    async def _book_differences(report: RunReport, hub_client: HubClient) -> list[Difference]:
        report.books = balance(await hub_client.sheets(SERVICES), BRIDGES)
        return compare_books(report.books)

    async def _look_for_people(self, report: RunReport, hub: Hub, hub_client: HubClient) -> None:
        """Search the dumps for every generated person.

        The dumps may not contain any personal data.
        """
        self._say("查找个人信息 looking for personal data …")
        metrics = {child.label: await hub_client.metrics(child.label) for child in hub.children}
        dumps = await asyncio.to_thread(collect, hub.broker.bootstrap, self._options.folder / "logs", metrics)
        people = [person for record in report.script.records for person in record.parties]
        hits = await asyncio.to_thread(search, dumps, people)
        report.traces, report.dumped_bytes = len(hits), sum(map(len, dumps.values()))
        report.differences += [
            Difference(f"个人信息 personal data in {hit.place}", "none", f"{hit.kind} at {hit.offset}")
            for hit in hits[:10]
        ]
        if not all(dumps.values()):
            empty = ", ".join(place for place, data in dumps.items() if not data and not place.endswith(".dlq"))
            if empty:
                report.differences.append(Difference("转储 dump", "something in it", f"empty: {empty}"))


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _enough(kills: list[Kill], with_work: int) -> list[Difference]:
    found = []
    if len(kills) < LEAST_KILLS:
        found.append(Difference("kills", f"≥ {LEAST_KILLS}", str(len(kills))))
    loaded = sum(kill.loaded for kill in kills)
    if loaded < with_work:
        found.append(Difference("kills with work on hand", f"≥ {with_work}", str(loaded)))
    spared = set(SERVICES) - {kill.service for kill in kills}
    if spared:
        found.append(Difference("kills of each service", "≥ 1", f"none of {', '.join(sorted(spared))}"))
    return found
