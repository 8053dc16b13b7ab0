"""A whole bridge on an in-memory bus: started, spoken to over REST and gRPC, stopped, started again."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from google.protobuf.json_format import ParseDict

from bridge.assembly import Bridge, assemble
from bridge.settings import BridgeSettings
from dispute.contracts.topics import HANDOFFS, JOURNAL, TOPICS
from dispute.lifecycle.identity import event_id_of
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.grpc.client import call, channel
from hub.refusals import BUS_UNAVAILABLE
from hub.runtime.clock import FixedClock
from hub.service.bus import BusPorts, memory
from hub.streams.envelope import GENESIS, BatchPlace, StreamName, extend, pack, place_of, unpack
from hub.streams.memory import MemoryBus, SendMode
from hub.streams.topics import partition_of, shard_of
from tests.support.access import beat, token_of

NOW: Final = datetime(2024, 6, 1, 4, 0, tzinfo=UTC)
COUNTY: Final = "620725"
OK: Final = 200
PERSON: Final = {
    "name": "测试甲某某",
    "id_type": "citizen_id",
    "id_number": "11010519491231002X",
    "phone": "13912345678",
    "address": "测试路九十九号",
}
"""The standard's own sample of an identity number; nobody real."""


async def eventually(condition: Callable[[], Awaitable[object]], seconds: float = 15.0) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


@dataclass
class JournalPen:
    """Writes journal events to the bus as intake would."""

    bus: MemoryBus
    places: dict[int, tuple[int, bytes]] = field(default_factory=dict)

    def write(self, *events: journal_pb2.JournalEvent) -> None:
        for event in events:
            self.write_raw(event.dispute_id, event.SerializeToString())

    def write_raw(self, key: str, record: bytes) -> None:
        shard = shard_of(key)
        position, running = self.places.get(shard, (0, GENESIS))
        after = extend(running, record)
        self.places[shard] = (position + 1, after)
        place = BatchPlace(StreamName("intake", shard, "e1"), position + 1, 1, running, after)
        partition = partition_of(shard, self.bus.partitions)
        self.bus.append(pack(JOURNAL, place, [record], partition=partition, written_at=NOW))


def event_of(
    dispute_id: str, channel: str, kind: str, sequence: int, *, reason_code: str = ""
) -> journal_pb2.JournalEvent:
    """Return a journal event of one dispute."""
    event = journal_pb2.JournalEvent(
        dispute_id=dispute_id, sequence=sequence, event_id=event_id_of(dispute_id, sequence), type=kind
    )
    event.reason_code = reason_code
    event.dimensions.channel = channel
    event.occurred_at.FromDatetime(NOW)
    return event


@dataclass
class RunningBridge:
    """One started bridge and a client of it."""

    bridge: Bridge[Any]
    bus: MemoryBus
    client: httpx2.AsyncClient
    key: str
    pen: JournalPen

    @property
    def noun(self) -> str:
        return self.bridge.spec.noun

    def record(self, **changes: object) -> dict[str, Any]:
        """Return the service's own example, changed."""
        return {**copy.deepcopy(dict(self.bridge.spec.record.example)), **changes}

    @property
    def ref_field(self) -> str:
        return {"court": "case_number", "police": "incident_number", "petition": "petition_number"}[
            self.bridge.spec.channel
        ]

    def numbered(self, number: int, **changes: object) -> dict[str, Any]:
        return self.record(**{self.ref_field: f"T-{number:05d}"}, **changes)

    async def post(self, path: str, body: object, **headers: str) -> httpx2.Response:
        all_headers = {"x-api-key": self.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.client.post(f"/v1/{path}", json=body, headers=all_headers)

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        all_headers = {"x-api-key": self.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.client.get(f"/v1/{path}", headers=all_headers)

    async def add_agency(self, agency: str, county: str = COUNTY) -> str:
        """Issue a key."""
        return await token_of(self.bridge, agency, "agency", county)

    async def relayed(self) -> None:
        """Wait until Kafka confirmed everything."""
        outbox = self.bridge.outbox
        await eventually(lambda: self.bridge.store.read(lambda tx: outbox.heads(tx) == outbox.sent(tx)))

    def handoffs(self) -> list[handoff_pb2.Handoff]:
        """Return every hand-off on the bus, each position once."""
        found: dict[tuple[StreamName, int], handoff_pb2.Handoff] = {}
        for record in self.bus.records(HANDOFFS.name):
            place = place_of(record.headers)
            for offset, one in enumerate(unpack(place, record.value or b"")):
                found[place.stream, place.first + offset] = handoff_pb2.Handoff.FromString(one)
        return [found[key] for key in sorted(found)]


@dataclass
class Workshop:
    """Builds bridges on one store and one bus: a second start is a restart."""

    folder: Path
    store_url: str
    bus: MemoryBus = field(default_factory=lambda: MemoryBus(TOPICS, partitions=2))
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    pen: JournalPen = field(init=False)

    def __post_init__(self) -> None:
        self.pen = JournalPen(self.bus)
        beat(self.bus)

    def settings(self, **changes: object) -> BridgeSettings:
        values: dict[str, Any] = {
            "store_url": self.store_url,
            "kafka_bootstrap": "127.0.0.1:1",
            "kafka_partitions": 2,
            "grpc_port": 0,
            "http_port": 0,
            "keys_dir": self.folder / "keys",
        }
        return BridgeSettings(**(values | changes))

    def ports(self) -> BusPorts:
        def provision() -> None:
            if self.bus.sending is SendMode.DOWN:
                raise BUS_UNAVAILABLE.error(after_s=0.01, why="memory bus is down")

        return memory(self.bus, provision)

    def build(self, channel: str, *, kafka: bool = False, **changes: object) -> Bridge[Any]:
        specification = import_module(f"services.{channel}_bridge.specification").SPECIFICATION
        return assemble(specification, self.settings(**changes), None if kafka else self.ports(), self.clock)

    @asynccontextmanager
    async def running(
        self, channel: str = "court", *, kafka: bool = False, **changes: object
    ) -> AsyncIterator[RunningBridge]:
        bridge = self.build(channel, kafka=kafka, **changes)
        async with AsyncExitStack() as stack:
            for part in bridge.parts:
                await part.start()
                stack.push_async_callback(part.stop)
            transport = httpx2.ASGITransport(bridge.app)
            client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://bridge"))
            running = RunningBridge(bridge, self.bus, client, "", self.pen)
            running.key = await running.add_agency(f"{channel}-{COUNTY}")
            yield running


@pytest.fixture
def workshop(tmp_path: Path, store_url: str) -> Workshop:
    """Bridges on each kind of store."""
    return Workshop(tmp_path, store_url)


@pytest.fixture
def sqlite_workshop(tmp_path: Path) -> Workshop:
    """Bridges on SQLite alone, where the store makes no difference."""
    return Workshop(tmp_path, f"sqlite:///{tmp_path / 'bridge.db'}")


@pytest.fixture
async def court(workshop: Workshop) -> AsyncIterator[RunningBridge]:
    async with workshop.running("court") as running:
        yield running


@pytest.fixture
async def sqlite_court(sqlite_workshop: Workshop) -> AsyncIterator[RunningBridge]:
    async with sqlite_workshop.running("court") as running:
        yield running


@pytest.fixture(params=["court", "police", "petition"])
async def any_bridge(request: pytest.FixtureRequest, sqlite_workshop: Workshop) -> AsyncIterator[RunningBridge]:
    """Each of the three bridges in turn."""
    async with sqlite_workshop.running(request.param) as running:
        yield running


@dataclass
class Partner:
    """A client of one bridge's gRPC edge; the three services have the same calls."""

    running: RunningBridge
    stub: Any
    pb: Any

    def request(self, record: dict[str, Any], key: str = "") -> Any:  # noqa: ANN401 - a message of any of the three
        return self.pb.SubmitRequest(idempotency_key=key, **{self.running.bridge.spec.field: self.message(record)})

    def message(self, record: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
        name = self.pb.SubmitRequest.DESCRIPTOR.fields_by_name[self.running.bridge.spec.field].message_type.name
        return ParseDict(record, getattr(self.pb, name)())

    async def call(self, method: str, request: Any, **metadata: str) -> Any:  # noqa: ANN401 - as above
        told = {"x-api-key": self.running.key, **{name.replace("_", "-"): value for name, value in metadata.items()}}
        return await call(getattr(self.stub, method), request, timeout_s=10, metadata=tuple(told.items()), retry=False)


@pytest.fixture
async def partner(any_bridge: RunningBridge) -> AsyncIterator[Partner]:
    name = any_bridge.bridge.spec.channel
    stubs = import_module(f"dispute.wire.{name}.v1.{name}_pb2_grpc")
    pb = import_module(f"dispute.wire.{name}.v1.{name}_pb2")
    async with channel(f"127.0.0.1:{any_bridge.bridge.grpc.port}") as client:
        yield Partner(any_bridge, getattr(stubs, f"{name.capitalize()}BridgeServiceStub")(client), pb)
