"""Journal events made by hand, a journal on the memory bus, and a running stats service."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import grpc
import httpx2
import pytest
from typing_extensions import override

from dispute.contracts.codec import event_to_wire
from dispute.contracts.topics import JOURNAL, TOPICS
from dispute.lifecycle import Dispute, Event
from dispute.wire.dispute.v1 import dimensions_pb2
from dispute.wire.journal.v1 import journal_pb2
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.grpc.client import channel
from hub.grpc.vectors import vector_to_wire
from hub.refusals import BUS_UNAVAILABLE
from hub.service.bus import BusPorts, memory
from hub.streams.envelope import GENESIS, BatchPlace, StreamName, extend_all, pack
from hub.streams.memory import MemoryBus
from hub.streams.memory_feed import MemoryFeed
from hub.streams.topics import partition_of, shard_of
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from services.stats.facts.fold import DIMENSIONS, Fold, cohort_days
from services.stats.facts.windows import day_number
from services.stats.figures.definitions import METRICS
from services.stats.figures.rates import rate_of
from services.stats.settings import StatsSettings
from services.stats.wiring import Stats, build
from tests.support.access import ShownStub, beat, token_of

EPOCH = "5f0c9a17"
CONCLUSIONS = {"agreed", "failed", "withdrawn"}


def dispute_of(number: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"dispute-{number}"))


def dims(**values: str) -> dimensions_pb2.Dimensions:
    base = {"channel": "court", "county_code": "620725", "town_code": "620725100", "source_organ": "court-620725"}
    return dimensions_pb2.Dimensions(**{**base, **values})


def event(
    kind: str,
    *,
    dispute: int | str = 1,
    day: str = "2024-03-01",
    dimensions: dimensions_pb2.Dimensions | None = None,
    cohort: dict[str, str] | None = None,
    ordinal: int = 1,
    concluding: int | None = None,
    opening: int = 0,
    from_state: str = "",
    retracts: Sequence[journal_pb2.Retraction] = (),
    recorded_s: int = 1_700_000_000,
) -> journal_pb2.JournalEvent:
    number = concluding if concluding is not None else int(kind in CONCLUSIONS)
    built = journal_pb2.JournalEvent(
        dispute_id=dispute if isinstance(dispute, str) else dispute_of(dispute),
        type=kind,
        business_day=day,
        cohort=dimensions_pb2.CohortDates(**(cohort or {})),
        dimensions=dimensions or dims(),
        ordinal=ordinal,
        conclusion_ordinal=number,
        reopen_seq=opening,
        from_state=from_state,
        retracts=retracts,
    )
    built.occurred_at.seconds = built.recorded_at.seconds = recorded_s
    return built


def retraction(
    counted: journal_pb2.JournalEvent, restated_as: dimensions_pb2.Dimensions | None = None
) -> journal_pb2.Retraction:
    """Take back what an event counted; restated when there are new dimensions."""
    return journal_pb2.Retraction(
        type=counted.type,
        business_day=counted.business_day,
        dimensions=counted.dimensions,
        sequence=counted.sequence,
        cohort=counted.cohort,
        ordinal=counted.ordinal,
        conclusion_ordinal=counted.conclusion_ordinal,
        reopen_seq=counted.reopen_seq,
        restated=restated_as is not None,
        restated_as=restated_as,
    )


def life(
    number: int, ending: str = "agreed", *, channel: str = "court", town: str = "620725100", month: str = "03"
) -> list[journal_pb2.JournalEvent]:
    """Return a dispute's events from registration to `ending`."""
    where = dims(channel=channel, town_code=town, county_code=town[:6])
    dates = {"received_on": f"2024-{month}-01", "registered_on": f"2024-{month}-01"}
    events = [
        event("registered", dispute=number, day=f"2024-{month}-01", dimensions=where, cohort=dates),
        event("screening_begun", dispute=number, day=f"2024-{month}-02", dimensions=where, cohort=dates),
    ]
    if ending == "registered":
        return events
    if ending == "mediation_refused":
        return [*events, event(ending, dispute=number, day=f"2024-{month}-02", dimensions=where, cohort=dates)]
    accepted = {**dates, "accepted_on": f"2024-{month}-02", "due_on": f"2024-{month}-28"}
    events.append(event("accepted", dispute=number, day=f"2024-{month}-02", dimensions=where, cohort=accepted))
    if ending == "accepted":
        return events
    ended = {**accepted, "concluded_on": f"2024-{month}-09"}
    return [*events, event(ending, dispute=number, day=f"2024-{month}-09", dimensions=where, cohort=ended)]


class Ids:
    """Interns dimensions in memory; 0 is empty."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], int] = {}

    def of(self, dimensions: Any) -> tuple[int, ...]:  # noqa: ANN401 - any message with the fields
        return tuple(self.one(name, getattr(dimensions, name)) for name in DIMENSIONS)

    def one(self, name: str, value: str) -> int:
        return self.known.setdefault((name, value), len(self.known) + 1) if value else 0

    def name(self, number: int) -> str:
        return next((value for (_, value), known in self.known.items() if known == number), "")


Days = tuple[date | None, date | None]
"""First day of a window, and the day after its last."""
EVER: Days = (None, None)
Figure = tuple[int, int, int]
"""Numerator, denominator, open."""


def journal_of(histories: Iterable[Sequence[Event]]) -> list[journal_pb2.JournalEvent]:
    """Return the journal of real disputes, in the order in which things happened to them."""
    told = [event for history in histories for event in history]
    return [event_to_wire(event, datetime(2024, 3, 1, tzinfo=UTC)) for event in told]


def folded_figures(
    histories: Iterable[Sequence[Event]], days: Days = EVER, channel: str = "all", town: str = ""
) -> dict[str, Figure]:
    """Return every metric of a window as the fold counts it."""
    ids = Ids()
    fold = Fold(ids.of, cohort_days)
    for position, event in enumerate(journal_of(histories), start=1):
        fold.add(event, 1, 0, position)
    start, end = (None if day is None else day_number(day.isoformat()) for day in days)
    counts: Counter[tuple[str, int]] = Counter()
    for (day, _, measure, where, _, place), count in fold.cells.items():
        inside = (start is None or day >= start) and (end is None or day < end)
        if inside and town in {"", ids.name(place)}:
            counts[ids.name(where), measure] += count
    rates = [rate_of(counts, metric, channel) for metric in METRICS]
    return {rate.metric: (rate.numerator, rate.denominator, rate.open) for rate in rates}


def recounted_figures(disputes: Iterable[Dispute], days: Days = EVER, channel: str = "all") -> dict[str, Figure]:
    """Count the same by what each dispute says of itself, without the fold's means.

    An opening is a round or a relapse; what is open is an opening of the window without its outcome, whenever that
    came.
    """
    sums: Counter[str] = Counter()
    for dispute in disputes:
        if channel not in {"all", dispute.dimensions.channel.value}:
            continue
        facts = list(dispute.counted)
        decided = {
            fact.reopen_seq for fact in facts if fact.type.value in {"accepted", "mediation_refused", "withdrawn"}
        }
        concluded = {fact.reopen_seq for fact in facts if fact.conclusion_ordinal == 1}
        for fact in facts:
            if (days[0] is not None and fact.business_day < days[0]) or (
                days[1] is not None and fact.business_day >= days[1]
            ):
                continue
            kind, first = fact.type.value, fact.ordinal == 1
            sums[kind] += 1
            sums["matters"] += kind == "registered" and not dispute.master_dispute_id
            sums["first agreements"] += kind == "agreed" and first
            sums[f"concluded as {kind}"] += fact.conclusion_ordinal == 1
            sums["undecided"] += kind in {"registered", "resubmitted"} and fact.reopen_seq not in decided
            sums["unconcluded"] += kind in {"accepted", "reopened"} and fact.reopen_seq not in concluded
    opened = sums["accepted"] + sums["reopened"]
    agreed, failed = sums["concluded as agreed"], sums["concluded as failed"]
    return {
        "diversion": (sums["accepted"], sums["registered"] + sums["resubmitted"], sums["undecided"]),
        "success": (sums["first agreements"], opened, sums["unconcluded"]),
        "success_on_concluded": (agreed, agreed + failed, 0),
        "resolution": (sums["first agreements"], opened, sums["unconcluded"]),
        "matters": (sums["matters"], sums["registered"], 0),
    }


@dataclass
class Journal:
    """Writes events to the bus as intake's relay would: one numbered stream per shard."""

    bus: MemoryBus
    epoch: str = EPOCH
    records: dict[int, list[bytes]] = field(default_factory=dict)

    def write(self, *events: journal_pb2.JournalEvent) -> None:
        """Append events, one batch per shard."""
        by_shard: dict[int, list[bytes]] = {}
        for one in events:
            by_shard.setdefault(shard_of(one.dispute_id), []).append(one.SerializeToString())
        for shard, records in sorted(by_shard.items()):
            self.append(shard, *records)

    def append(self, shard: int, *records: bytes) -> None:
        """Append raw records to a shard and send them."""
        known = self.records.setdefault(shard, [])
        first = len(known) + 1
        known.extend(records)
        self.send(shard, first, len(known))

    def send(self, shard: int, first: int, last: int) -> None:
        """Send positions first..last, again if need be."""
        known = self.records[shard]
        before = extend_all(GENESIS, known[: first - 1])
        records = known[first - 1 : last]
        place = BatchPlace(
            StreamName("intake", shard, self.epoch), first, len(records), before, extend_all(before, records)
        )
        partition = partition_of(shard, self.bus.partitions)
        self.bus.append(pack(JOURNAL, place, records, partition=partition, written_at=datetime.now(UTC)))

    @property
    def heads(self) -> dict[StreamName, int]:
        return {StreamName("intake", shard, self.epoch): len(records) for shard, records in self.records.items()}

    @property
    def count(self) -> int:
        return sum(len(records) for records in self.records.values())


Asked = str | Sequence[str]
AskedList = str | int | stats_pb2.Query


@dataclass
class Running:
    """A running stats service and clients of its public interfaces."""

    service: Stats
    channel: grpc.aio.Channel
    stub: Any
    books_stub: Any

    async def rates(self, journal: Journal | None = None, **query: Asked) -> stats_pb2.GetRatesResponse:
        """Ask for rates from a state that includes everything the journal holds."""
        at_least = vector_to_wire(journal.heads) if journal else None
        asked = stats_pb2.Query(**query)  # type: ignore[arg-type] # a test may ask nonsense
        request = stats_pb2.GetRatesRequest(query=asked, at_least=at_least)
        answer: stats_pb2.GetRatesResponse = await self.stub.GetRates(request, timeout=20)
        return answer

    async def table(
        self, journal: Journal | None = None, **query: str | Sequence[str]
    ) -> dict[tuple[str, str], tuple[int, int]]:
        answer = await self.rates(journal, **query)
        return {(rate.channel, rate.metric): (rate.numerator, rate.denominator) for rate in answer.rates}

    async def counted(
        self, journal: Journal | None = None, **request: str | int | stats_pb2.Query
    ) -> stats_pb2.ListCountedResponse:
        at_least = vector_to_wire(journal.heads) if journal else None
        message = stats_pb2.ListCountedRequest(at_least=at_least, **request)  # type: ignore[arg-type] # as above
        answer: stats_pb2.ListCountedResponse = await self.stub.ListCounted(message, timeout=20)
        return answer

    async def books(self) -> dict[str, int]:
        answer = await self.books_stub.GetBooks(books_pb2.GetBooksRequest(), timeout=10)
        return {entry.what: entry.count for entry in answer.entries}

    async def scrape(self) -> str:
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{self.service.http.port}/metrics")
            assert answer.status_code == 200
            return str(answer.text)


Run = Callable[..., Any]


def settings_for(store_url: str, folder: Path) -> StatsSettings:
    return StatsSettings(
        store_url=store_url,
        kafka_bootstrap="127.0.0.1:9",
        grpc_port=0,
        http_port=0,
        keys_dir=folder / "keys",
        watch_coalesce_s=0.02,
    )


class AbsentFeed(MemoryFeed):
    """A bus that can't be reached."""

    @override
    async def start(self) -> None:
        raise BUS_UNAVAILABLE.error(why="no broker answers")

    @override
    def alive(self) -> bool:
        return False


def unreachable(bus: MemoryBus) -> BusPorts:
    def provision() -> None:
        raise BUS_UNAVAILABLE.error(after_s=0.01, why="no broker answers")

    ports = memory(bus, provision)
    return replace(ports, feed=lambda topic, group, places: AbsentFeed(bus, topic, group, places))


@asynccontextmanager
async def running(
    store_url: str, folder: Path, bus: MemoryBus, reach: BusPorts | None = None
) -> AsyncIterator[Running]:
    """Start the whole service through its wiring, stop it as its process would."""
    beat(bus)
    service = build(settings_for(store_url, folder), reach or memory(bus))
    started = []
    try:
        for part in service.parts:
            started.append(part)
            await part.start()
        async with channel(f"127.0.0.1:{service.grpc.port}") as wire:
            token = await token_of(service, "auditor-1", "auditor")
            stubs = (stats_pb2_grpc.StatsServiceStub(wire), books_pb2_grpc.BooksServiceStub(wire))
            yield Running(service, wire, *(ShownStub(stub, token) for stub in stubs))
    finally:
        for part in reversed(started):
            await part.stop()


@pytest.fixture
def stats_bus() -> MemoryBus:
    return MemoryBus(TOPICS)


@pytest.fixture
def stats_journal(stats_bus: MemoryBus) -> Journal:
    return Journal(stats_bus)


@pytest.fixture
def run_stats(store_url: str, tmp_path: Path, stats_bus: MemoryBus) -> Run:
    """Start stats on the test's store and bus: `async with run_stats() as stats`."""
    return lambda: running(store_url, tmp_path, stats_bus)


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 15.0) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)
