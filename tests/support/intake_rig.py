"""A whole intake on the memory bus, a bridge that hands cases to it, and a client of its gRPC."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal
from uuid import uuid5

import grpc
import pytest
import sqlalchemy as sa

from dispute.contracts.codec import event_from_wire, instant_of, timestamp_of
from dispute.contracts.sealing import Sealer, sealer_of
from dispute.contracts.topics import HANDOFFS, TOPICS
from dispute.lifecycle import dispute_id_of, key_owner_of, replay
from dispute.lifecycle.identity import NAMESPACE
from dispute.lifecycle.vocabulary import Role
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Refusal, Refused
from hub.grpc.client import channel, refusal_of
from hub.grpc.vectors import vector_to_wire
from hub.runtime.clock import FixedClock
from hub.service.bus import memory
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.streams.envelope import GENESIS, BatchPlace, StreamName, extend_all, pack
from hub.streams.memory import MemoryBus
from hub.streams.topics import partition_of, shard_of
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from ops.run.credentials import FOLDER, token_path, write_private
from ops.run.run_folder import Running
from services.intake.settings import IntakeSettings
from services.intake.wiring import VERSIONS, Intake, build
from tests.support.access import Credentials

AGENCY = "court-620725"
HANDED_OVER = datetime(2024, 3, 5, 2, tzinfo=UTC)
"""Who gives a command in a test that names nobody: the first of these who may."""
WALL = datetime(2026, 11, 20, 4, tzinfo=UTC)


def case_facts(**changes: Any) -> handoff_pb2.CaseReceived:  # noqa: ANN401 - any field
    """Return facts of a suit that is mediable."""
    fields: dict[str, Any] = {
        "received_on": "2024-03-04",
        "county_code": "620725",
        "town_code": "620725101",
        "category": "06",
        "case_cause": "contract",
        "procedure": "ordinary",
        "suit_kind": "civil",
        "relation_clarity": "clear",
        "facts_clarity": "clear",
        "consents": [
            handoff_pb2.Consent(role="plaintiff", answer="given"),
            handoff_pb2.Consent(role="defendant", answer="given"),
        ],
        "recurrence": "first",
        "scale": "individual",
    }
    return handoff_pb2.CaseReceived(**(fields | changes))


def parties(first: str = "", second: str = "", roles: tuple[str, str] = ("plaintiff", "defendant")) -> Any:  # noqa: ANN401
    """Return two parties; the marks stand for identity numbers, never real ones."""
    return [
        handoff_pb2.Party(role=roles[0], name="甲", id_number=first),
        handoff_pb2.Party(role=roles[1], name="乙", id_number=second),
    ]


@dataclass
class FakeBridge:
    """Writes numbered hand-offs to the memory bus, as a bridge's relay does."""

    bus: MemoryBus
    sealer: Sealer
    channel: str = "court"
    agency: str = AGENCY
    producer: str = "court_bridge"
    epoch: str = "e0000001"
    ends: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def dispute_id(self, ref: str) -> str:
        return dispute_id_of(self.agency, ref)

    def handoff(self, ref: str, key: str = "", **body: Any) -> handoff_pb2.Handoff:  # noqa: ANN401 - the oneof's member
        """Return a hand-off; the case's facts unless a body is given. `content` is what travels sealed."""
        fields = dict(body)
        people = fields.pop("people", None)
        content = fields.pop("content", None) or handoff_pb2.Confidential(parties=people or [], brief="案情")
        occurred_at = fields.pop("occurred_at", HANDED_OVER)
        if not fields:
            fields["case_received"] = case_facts()
        handoff_id = str(uuid5(NAMESPACE, f"{self.agency}/{ref}/{key}"))
        message = handoff_pb2.Handoff(
            handoff_id=handoff_id,
            dispute_id=self.dispute_id(ref),
            channel=self.channel,
            agency_id=self.agency,
            source_ref=ref,
            idempotency_key=key or ref,
            occurred_at=timestamp_of(occurred_at),
            correlation_id=f"c-{ref}",
            **fields,
        )
        message.content_mac = hashlib.sha256(message.SerializeToString(deterministic=True)).digest()
        message.confidential.CopyFrom(self.sealer.seal(content, handoff_id, key_owner_of(self.dispute_id(ref))))
        return message

    def send(self, *handoffs: handoff_pb2.Handoff) -> None:
        """Publish each in a batch of its own."""
        for handoff in handoffs:
            self.send_raw(handoff.dispute_id, handoff.SerializeToString())

    def send_raw(self, key: str, record: bytes) -> None:
        """Publish whatever bytes as one record."""
        shard = shard_of(key)
        position, running = self.ends.get(shard, (0, GENESIS))
        after = extend_all(running, [record])
        place = BatchPlace(StreamName(self.producer, shard, self.epoch), position + 1, 1, running, after)
        message = pack(HANDOFFS, place, [record], partition=partition_of(shard, self.bus.partitions), written_at=WALL)
        self.bus.append(message)
        self.ends[shard] = (position + 1, after)

    def sent(self) -> dict[StreamName, int]:
        """Place after everything sent."""
        return {StreamName(self.producer, shard, self.epoch): end for shard, (end, _) in self.ends.items()}


@dataclass
class Rig:
    """Intake, started as often as a test likes, on one store and one bus."""

    store_url: str
    keys_dir: Path
    stack: AsyncExitStack
    bus: MemoryBus = field(default_factory=lambda: MemoryBus(TOPICS, partitions=2))
    clock: FixedClock = field(default_factory=lambda: FixedClock(WALL))
    clock_kind: Literal["wall", "scenario"] = "scenario"
    calendar_dir: Path | None = None
    rules_dir: Path | None = None
    provider: Mapping[str, str] = field(default_factory=dict)
    """Settings of an identity provider."""
    watches: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sealer = sealer_of(self.keys_dir, opens=True)
        self.bridge = FakeBridge(self.bus, self.sealer)

    def settings(self, worker: str = "one") -> IntakeSettings:
        return IntakeSettings(
            store_url=self.store_url,
            kafka_bootstrap="127.0.0.1:1",
            kafka_partitions=self.bus.partitions,
            grpc_port=0,
            http_port=0,
            keys_dir=self.keys_dir,
            clock=self.clock_kind,
            worker=worker,
            timer_every_s=60,
            timer_grace_s=0,
            calendar_dir=self.calendar_dir,
            calendar_every_s=3600,
            rules_dir=self.rules_dir,
            rules_every_s=3600,
            **dict[str, Any](self.provider),
        )

    def built(self, worker: str = "one") -> Intake:
        return build(self.settings(worker), memory(self.bus), self.clock)

    async def start(self, worker: str = "one", *, http: bool = False) -> IntakeClient:
        """Start a worker; returns its client. The HTTP edge only where a test asks for it."""
        intake = self.built(worker)
        parts = [part for part in intake.parts if http or part is not intake.http]
        stopped = asyncio.Event()

        async def stop() -> None:
            if not stopped.is_set():
                stopped.set()
                for part in reversed(parts):
                    await part.stop()

        self.stack.push_async_callback(stop)
        for part in parts:
            await part.start()
            watch = asyncio.create_task(part.failed())
            self.watches.append(watch)
        line = channel(f"127.0.0.1:{intake.grpc.port}")
        self.stack.push_async_callback(line.close)
        desk = Credentials(intake)
        return IntakeClient(
            intake, intake_pb2_grpc.IntakeServiceStub(line), books_pb2_grpc.BooksServiceStub(line), stop, desk
        )

    def faults(self) -> list[BaseException]:
        """Errors of parts that died."""
        done = [watch for watch in self.watches if watch.done() and not watch.cancelled()]
        return [error for watch in done if (error := watch.exception()) is not None]


@dataclass
class IntakeClient:
    """Client of one worker."""

    intake: Intake
    stub: Any
    books_stub: Any
    stop: Callable[[], Any]
    credentials: Credentials

    async def call(self, name: str, request: Any, timeout_s: float = 20.0) -> Any:  # noqa: ANN401 - any method
        """Call a method as who may; a refusal is raised as the verdict it carries."""
        who = await self.credentials.of_request(name, request)
        try:
            return await getattr(self.stub, name)(request, timeout=timeout_s, metadata=who)
        except grpc.aio.AioRpcError as error:
            raise refusal_of(error).error() from None

    async def watch(self, request: intake_pb2.WatchEventsRequest) -> Any:  # noqa: ANN401 - a stream of grpc
        """Watch events as who may."""
        who = await self.credentials.of("operator", "operator-1")
        return self.stub.WatchEvents(request, timeout=20, metadata=who)

    async def applied(self, *bridges: FakeBridge, timeout_s: float = 20.0) -> None:
        """Wait until everything the bridges sent was applied."""
        vector = {stream: end for bridge in bridges for stream, end in bridge.sent().items()}
        request = intake_pb2.AwaitAppliedRequest(handoffs=vector_to_wire(vector))
        await self.call("AwaitApplied", request, timeout_s)

    async def dispute(self, dispute_id: str) -> intake_pb2.Dispute:
        response = await self.call("GetDispute", intake_pb2.GetDisputeRequest(dispute_id=dispute_id))
        return response.dispute  # type: ignore[no-any-return]

    async def state(self, dispute_id: str) -> str:
        return (await self.dispute(dispute_id)).state

    async def history(self, dispute_id: str) -> list[journal_pb2.JournalEvent]:
        response = await self.call("GetHistory", intake_pb2.GetHistoryRequest(dispute_id=dispute_id))
        return list(response.events)

    async def types(self, dispute_id: str) -> list[str]:
        return [event.type for event in await self.history(dispute_id)]

    async def alarms(self, dispute_id: str, limit: str = "") -> list[tuple[str, str]]:
        """Level and time of each alarm of a limit, in the order of their events; of every limit when none is named."""
        return [
            (event.particulars.supervision, instant_of(event.occurred_at).isoformat())
            for event in await self.history(dispute_id)
            if event.type == "supervised" and limit in {"", event.limit}
        ]

    async def counted(self, dispute_id: str) -> list[str]:
        """Types of the facts that count now, in order."""
        events = [event_from_wire(event) for event in await self.history(dispute_id)]
        return [fact.type.value for fact in replay(tuple(events)).counted]

    async def execute(self, *commands: command_pb2.Command) -> list[intake_pb2.CommandResult]:
        """Give commands in order, each as its actor; those of one actor that follow each other go together.

        What needs two persons is approved first, by the reviewer that it names.
        """
        results: list[intake_pb2.CommandResult] = []
        for (*_, closing), group in groupby(
            commands, key=lambda each: (each.actor.role, each.actor.actor_id, each.HasField("close"))
        ):
            some = list(group)
            if closing:
                await self.approve(*some)
            request = intake_pb2.ExecuteBatchRequest(commands=some)
            results += (await self.call("ExecuteBatch", request)).results
        return results

    async def approve(self, *commands: command_pb2.Command, by: str = "") -> list[str]:
        """Approve closings, as the reviewer that each names or as somebody else; returns the codes of refusals."""
        codes: list[str] = []
        for command in commands:
            holder = by or command.close.reviewer_id
            role = holder.partition("-")[0]
            who = await self.credentials.of(role if role in set(Role) else "reviewer", holder)
            request = intake_pb2.ApproveRequest(commands=[command])
            answer = await self.stub.Approve(request, timeout=20, metadata=who)
            codes += [result.refusal.code for result in answer.results]
        return codes

    async def advance(self, to: datetime) -> intake_pb2.AdvanceClockResponse:
        request = intake_pb2.AdvanceClockRequest(to=timestamp_of(to))
        return await self.call("AdvanceClock", request)  # type: ignore[no-any-return]

    async def books(self) -> dict[tuple[str, str], int]:
        who = await self.credentials.of("auditor", "auditor-1")
        response = await self.books_stub.GetBooks(books_pb2.GetBooksRequest(), timeout=20, metadata=who)
        return {(entry.stage, entry.what): entry.count for entry in response.entries}

    async def running(self, folder: Path) -> Running:
        """Return where a command finds this intake, and put the tokens there that it shows."""
        (folder / FOLDER).mkdir()
        for role in ("operator", "auditor", "leader"):
            write_private(token_path(folder / FOLDER, role), await self.credentials.token(role, f"{role}-1"))
        return Running(str(folder), 1, "", {"intake": f"127.0.0.1:{self.intake.grpc.port}"}, {}, {})

    async def rows(self, table: sa.Table) -> int:
        query = sa.select(sa.func.count()).select_from(table)
        return await self.intake.store.read(lambda tx: tx.scalar(query) or 0)

    async def refusal(self, name: str, request: Any) -> Refusal:  # noqa: ANN401 - any method
        try:
            await self.call(name, request)
        except Refused as refused:
            return refused.refusal
        message = f"{name} was not refused"
        raise AssertionError(message)


def submission(**changes: object) -> intake_pb2.SubmitRequest:
    """Return a case of a window."""
    request = intake_pb2.SubmitRequest(
        channel="window",
        source_organ="window-620725",
        source_ref="2024-17",
        actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
        occurred_at=timestamp_of(HANDED_OVER),
        facts=case_facts(
            procedure="",
            suit_kind="",
            received_on="",
            consents=[
                handoff_pb2.Consent(role="applicant", answer="given"),
                handoff_pb2.Consent(role="respondent", answer="given"),
            ],
        ),
        confidential=handoff_pb2.Confidential(brief="欠薪", parties=[handoff_pb2.Party(role="applicant", name="甲")]),
    )
    for name, value in changes.items():
        setattr(request, name, value)
    return request


@pytest.fixture
async def rig(store_url: str, tmp_path: Path) -> AsyncIterator[Rig]:
    """Intake on each kind of store; parts must not have died when the test ends."""
    async with AsyncExitStack() as stack:
        made = Rig(store_url, tmp_path / "keys", stack)
        yield made
        faults = made.faults()
        for watch in made.watches:
            watch.cancel()
        await asyncio.gather(*made.watches, return_exceptions=True)
    assert faults == []


@pytest.fixture
async def client(rig: Rig) -> IntakeClient:
    return await rig.start()


@pytest.fixture
def open_intake(store_url: str) -> Iterator[Callable[[], Store]]:
    """Open intake's store as often as wanted, its tables migrated."""
    with ExitStack() as opened:

        def build() -> Store:
            store = Store(store_url)
            opened.callback(store.close)
            migrate(store, VERSIONS)
            return store

        yield build
