"""One life of the hub under fault: three brokers behind proxies, the wrapped services, clients, and the book."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from types import TracebackType
from typing import Any, Final, Self

from dispute.contracts.topics import BRIDGES
from dispute.wire.court.v1 import court_pb2, court_pb2_grpc
from dispute.wire.petition.v1 import petition_pb2, petition_pb2_grpc
from dispute.wire.police.v1 import police_pb2, police_pb2_grpc
from hub.errors import Retryable
from hub.grpc.client import channel
from hub.kafka.bus import Bus
from ops.play.chaos import senders_of
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.agencies import PartnerSystem
from ops.play.simulators.court import CourtSystem
from ops.play.simulators.mediators import Mediators
from ops.play.simulators.petition import PetitionSystem
from ops.play.simulators.police import PoliceSystem
from ops.run.books import Sheet, balance, on_its_way, unread
from ops.run.broker import NativeKafka
from ops.run.children import Child, cause_of
from ops.run.client import HubClient
from ops.run.credentials import FOLDER, PEOPLE, make, shown
from ops.run.launcher import SERVICES, Hub, LaunchPlan, Say
from tests.faults import points as at
from tests.faults.book import Book
from tests.faults.evidence import Sources
from tests.faults.load import Clients
from tests.faults.points import Points
from tests.faults.script import AGENCIES, COUNTY, SCENARIO, ends_at
from tests.faults.stall import TimedPatience
from tests.faults.wires import Wires

ROOT: Final = Path(__file__).resolve().parents[2]
BROKERS: Final = 3
SESSION_S: Final = 3.0
DELIVERY_S: Final = 8.0
"""Delivery time-out of the relays' producers: two brokers are gone for longer than this without costing minutes."""
UNSENT_S: Final = 5.0
"""Age of an unsent record at which a bridge says so: sooner than in a county, so that an outage need not last."""
CALL_S: Final = 300.0
LOOK_S: Final = 0.1
WATCH_S: Final = 0.25
ENDED_BY_US: Final = frozenset({0, *(code for s in (SIGKILL, SIGTERM) for code in (-s, 128 + s))})
"""How a service ends that was killed or told to go; anything else was its own idea."""
QUICK_S: Final = 2.0
COMMAND_S: Final = 240.0
HELD_S: Final = 10.0
PAGE: Final = 1000
WORKERS: Final[Mapping[str, int]] = {"sqlite": 1, "postgres": 2}


class Rig:
    """An asynchronous context manager that leaves nothing behind but its folder.

    Args:
        folder: Of this life.
        store: sqlite or postgres.
        say: Gets progress lines.
        guards_off: Label of a process -> guard that is switched off in it, for the control.
        clock: By which deadlines run: scenario or wall.
    """

    def __init__(
        self,
        folder: Path,
        store: str,
        say: Say,
        guards_off: Mapping[str, str] | None = None,
        clock: str = SCENARIO,
    ) -> None:
        self.folder = folder
        self.store = store
        self.clock = clock
        self._say = say
        self._guards_off = dict(guards_off or {})
        self._stack = AsyncExitStack()
        self._cursors: dict[str, int] = {}
        self.kafka = NativeKafka(folder / "kafka", brokers=BROKERS, say=say, behind=True)
        self.wires = Wires(self.kafka.nodes)
        self.book = Book(folder / "book")
        self.poisoned: Counter[str] = Counter()
        self.episode = 0

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        agencies = [(agency, COUNTY) for agency in AGENCIES.values()]
        self.credentials = make(self.folder / FOLDER, agencies, PEOPLE)
        await self.wires.start()
        self._stack.push_async_callback(self.wires.stop)
        workers = WORKERS[self.store]
        labels = [*SERVICES, *(f"{name}-2" for name in ("intake", "stats") if workers > 1)]
        self.points = {label: Points(self.folder / "points" / label) for label in labels}
        plan = LaunchPlan(
            self.folder,
            self.store,
            intake_workers=workers,
            stats_workers=workers,
            clock=self.clock,
            settings={"HUB_SESSION_TIMEOUT_S": str(SESSION_S), "HUB_KAFKA_REPLICATION": str(BROKERS)},
            extra={label: self._extra(label) for label in labels},
            command={name: (sys.executable, "-m", "tests.faults.service", name) for name in SERVICES},
        )
        self.hub = await self._stack.enter_async_context(Hub(plan, self._say, self.kafka))
        # Before the hub stops its children: what is stopped by a signal can't stop in order.
        self._stack.callback(self._wake_all)
        self.hub.write_runfile()
        children = self.hub.children
        addresses = {child.label: child.grpc_address for child in children}
        self.client = HubClient(addresses, {c.label: c.http_url for c in children}, shown(self.folder))
        self._stack.push_async_callback(self.client.close)
        self.clients = self._clients()
        self._result_channels = {name: channel(self.child(name).grpc_address) for name in BRIDGES}
        for opened in self._result_channels.values():
            self._stack.push_async_callback(opened.close)

    def _extra(self, label: str) -> dict[str, str]:
        own = {"HUB_UNSENT_ALARM_S": str(UNSENT_S)} if label in BRIDGES else {}
        return own | {
            "PYTHONPATH": str(ROOT),
            at.FOLDER: str(self.folder / "points" / label),
            at.DELIVERY_S: str(DELIVERY_S),
            at.GUARD_OFF: self._guards_off.get(label, ""),
        }

    def _clients(self) -> Clients:
        patience = TimedPatience(CALL_S)
        keys = self.credentials.keys
        court, police, petition = (self.child(name) for name in BRIDGES)
        of = AGENCIES
        systems: dict[Docking, PartnerSystem] = {
            Docking.COURT: CourtSystem(
                of[Docking.COURT], court.http_url, court.grpc_address, keys[of[Docking.COURT]], patience
            ),
            Docking.POLICE: PoliceSystem(of[Docking.POLICE], police.grpc_address, keys[of[Docking.POLICE]], patience),
            Docking.PETITION: PetitionSystem(
                of[Docking.PETITION], petition.http_url, keys[of[Docking.PETITION]], patience
            ),
        }
        intake = [child.grpc_address for child in self.hub.of("intake")]
        mediators = Mediators(intake, self.credentials.tokens, patience)
        for system in systems.values():
            self._stack.push_async_callback(system.close)
        self._stack.push_async_callback(mediators.close)
        return Clients(systems, mediators, intake, self.credentials.tokens, patience, self.clock)

    # --- processes -----------------------------------------------------------------------------------------------

    def child(self, label: str) -> Child:
        """Return one process by its label."""
        return next(child for child in self.hub.children if child.label == label)

    @property
    def bus(self) -> Bus:
        """The cluster, as clients reach it."""
        return Bus(self.kafka.bootstrap, replication=BROKERS)

    async def bring_back(self, child: Child) -> float:
        """Start a process that has ended, or is about to; returns the seconds until it serves again."""
        began = time.monotonic()
        await child.wait_ended()
        child.start()
        await child.wait_ready()
        return time.monotonic() - began

    def _wake_all(self) -> None:
        for child in self.hub.children:
            child.signal(Signals.SIGCONT)

    def fallen(self) -> list[str]:
        """Return a line for each process that ended although nobody made it."""
        return [f"{c.label} ended: {cause_of(c.exit_code)}" for c in self.hub.children if not c.running]

    async def unless_broken(self, work: asyncio.Task[None]) -> None:
        """Wait for the work, but not beyond the moment at which a service ends by itself: nobody would answer it.

        Raises:
            RuntimeError: A service gave up; with its last words.
        """
        try:
            while not work.done():
                for child in self.hub.children:
                    if not child.running and child.exit_code not in ENDED_BY_US:
                        raise RuntimeError(f"{child.label} gave up: {cause_of(child.exit_code)}: {child.last_words()}")
                await asyncio.wait({work}, timeout=WATCH_S)
            work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def revive(self) -> None:
        """Bring everything into order after an injection that failed half-way."""
        await self.wires.delay(0, 0)
        for points in self.points.values():
            points.disarm_all()
        self._wake_all()
        for node in self.kafka.nodes:
            await self.wires.open(node.number)
            if not self.kafka.runs(node.number):
                await asyncio.to_thread(self.kafka.restart, node.number)
        for child in self.hub.children:
            if not child.running:
                await self.bring_back(child)

    async def kill_broker(self, number: int) -> None:
        """SIGKILL a broker; its port refuses as a dead one's."""
        await asyncio.to_thread(self.kafka.kill9, number)
        await self.wires.shut(number)

    async def restart_broker(self, number: int) -> None:
        """Start a broker again; returns when it is in the metadata."""
        await asyncio.to_thread(self.kafka.restart, number)
        await self.wires.open(number)
        await asyncio.to_thread(self.kafka.wait_ready)

    async def one_off(self, service: str, *arguments: str) -> str:
        """Run a command of a service with the environment of its process; returns what it printed."""
        child = self.child(service)
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", f"services.{service}", *arguments],
            env=child.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{service} {' '.join(arguments)}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    # --- books ---------------------------------------------------------------------------------------------------

    async def sheets(self) -> dict[str, Sheet]:
        """Return the books of the five services, each from a worker that answers."""
        return await self.client.sheets(SERVICES)

    async def held(self, label: str) -> tuple[int, int]:
        """Return how many rows a process has not published, and how many records wait for it; zeros if unknown."""
        try:
            own = await self.client.sheet(label, timeout_s=HELD_S)
            senders = [await self.client.sheet(name, timeout_s=HELD_S) for name in senders_of(self.child(label).name)]
        except Retryable:
            return 0, 0
        return own.outbox_rows, unread(senders, own)

    async def level(self, deadline_s: float) -> float:
        """Wait until everything written was published and applied by everybody; returns the seconds that took.

        Raises:
            TimeoutError: It was not; says what is left, and which process is down.
        """
        began = time.monotonic()
        left = "nothing answered"
        while time.monotonic() - began < deadline_s:
            try:
                async with asyncio.timeout(QUICK_S * 2):
                    left = _left(await self.sheets())
            except (TimeoutError, Retryable):
                left = "books do not answer"
            if not left:
                return time.monotonic() - began
            await asyncio.sleep(LOOK_S)
        raise TimeoutError(f"not level after {deadline_s:.0f} s: {left}; {'; '.join(self.fallen()) or 'all run'}")

    async def advance(self) -> None:
        """Move the scenario clock to the end of the episode's quarter, so that its deadlines ring; leave the wall's."""
        if self.clock == SCENARIO:
            await self.clients.mediators.advance_clock(ends_at(self.episode), self.book.vector)

    async def fetch_results(self) -> None:
        """Let every agency fetch and acknowledge its results, as gRPC gives them."""
        stubs: dict[str, tuple[Any, Any]] = {
            "court_bridge": (court_pb2_grpc.CourtBridgeServiceStub, court_pb2),
            "police_bridge": (police_pb2_grpc.PoliceBridgeServiceStub, police_pb2),
            "petition_bridge": (petition_pb2_grpc.PetitionBridgeServiceStub, petition_pb2),
        }
        for of, name in zip(AGENCIES, BRIDGES, strict=True):
            kind, messages = stubs[name]
            await self._fetch(AGENCIES[of], kind(self._result_channels[name]), messages)

    async def _fetch(self, agency: str, stub: Any, messages: Any) -> None:  # noqa: ANN401 - one of three stubs
        key = (("x-api-key", self.credentials.keys[agency]),)
        while True:
            cursor = self._cursors.get(agency, 0)
            request = messages.ListResultsRequest(after_cursor=cursor, page_size=PAGE)
            page = await stub.ListResults(request, timeout=CALL_S, metadata=key, wait_for_ready=True)
            if not page.results:
                return
            for result in page.results:
                self.book.told(
                    agency,
                    {
                        "cursor": result.cursor,
                        "event_id": result.event_id,
                        "dispute_id": result.dispute_id,
                        "source_ref": result.source_ref,
                        "status": result.status,
                        "reason_code": result.reason_code,
                        "final": result.final,
                        "occurred_at": result.occurred_at.ToJsonString(),
                    },
                )
            self._cursors[agency] = page.next_cursor
            await stub.Acknowledge(
                messages.AcknowledgeRequest(cursor=page.next_cursor), timeout=CALL_S, metadata=key, wait_for_ready=True
            )

    def sources(self) -> Sources:
        """Return where the traces are, for the oracle."""
        url = self.hub.store_url
        return Sources(
            bootstrap=self.kafka.bootstrap,
            ledger=self.book.ledger,
            intake_store=url("intake"),
            stats_store=url("stats"),
            bridge_stores={name: url(name) for name in BRIDGES},
            intake_grpc=self.child("intake").grpc_address,
            stats_grpc=self.child("stats").grpc_address,
            bridges_grpc={name: self.child(name).grpc_address for name in BRIDGES},
            results=self.book.results,
            expected_dead=dict(self.poisoned),
            commands=self.book.commands,
            who=shown(self.folder),
        )


def _left(sheets: Mapping[str, Sheet]) -> str:
    """Return what is still on its way; empty when nothing is."""
    waiting = [f"{what}: {count}" for what, count in on_its_way(sheets, BRIDGES).items()]
    waiting += [f"{name}: {sheet.total('parked')} parked" for name, sheet in sheets.items() if sheet.total("parked")]
    if not waiting and not balance(sheets, BRIDGES).balanced:
        waiting.append("books do not balance (yet)")
    return ", ".join(waiting)
