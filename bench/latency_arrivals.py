"""Arrivals that keep to their schedule whatever the hub does, and samples of when what was accepted becomes visible.

Every tick sends the records that are due by then, as one batch at each bridge in turn; a tick is never late because an
answer is. A sample follows one tick: from its receipt on it waits until intake has applied the hand-offs and stats
answers from a state that includes their events. Which ticks are followed is decided by the schedule alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Final, Self

from bench.load import BRIDGES
from bench.submissions import Press, Submission
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.grpc.client import call
from hub.grpc.client import channel as open_channel
from hub.grpc.vectors import vector_from_wire, vector_to_wire
from hub.streams.envelope import StreamName
from ops.play.scenarios.vocabulary import Docking

TICK_S: Final = 0.02
"""Shortest time between two batches; at low rates a tick is one record."""
SAMPLES_S: Final = 10.0
"""Most samples a second: looking must not become the load."""
PATIENCE_S: Final = 280.0
"""For one call with its repetitions; a hub that is too slow for a rate answers late, and that is the figure."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When how many records are due.

    Attributes:
        records_s: Records a second.
        seconds: Length.
    """

    records_s: float
    seconds: float

    @property
    def tick_s(self) -> float:
        """Time between two batches."""
        return max(TICK_S, 1 / self.records_s)

    @property
    def ticks(self) -> int:
        """How many batches there are."""
        return round(self.seconds / self.tick_s)

    def due(self, tick: int) -> tuple[int, int]:
        """Return the numbers of the records of a tick: from, up to."""
        a_tick = self.records_s * self.tick_s
        return int(tick * a_tick + 1e-9), int((tick + 1) * a_tick + 1e-9)

    @property
    def every(self) -> int:
        """One tick in so many is followed."""
        return max(1, round(1 / (SAMPLES_S * self.tick_s)))


@dataclass(slots=True)
class Seen:
    """What a run at one rate saw.

    Attributes:
        visible_s: From a receipt until its events were in a stats answer, a sample each.
        from_due_s: The same from the instant at which the records were due.
        receipt_s: From that instant until the receipt, every tick.
        accepted: Receipts.
        handoffs: Highest position of each hand-off stream that a receipt names.
    """

    visible_s: list[float] = field(default_factory=list)
    from_due_s: list[float] = field(default_factory=list)
    receipt_s: list[float] = field(default_factory=list)
    accepted: int = 0
    handoffs: dict[StreamName, int] = field(default_factory=dict)


class RefusedError(RuntimeError):
    """A record was not accepted, so there is nothing to wait for; the measurement is void."""


class Doors:
    """The public doors that a run needs; an asynchronous context manager."""

    def __init__(self, addresses: Mapping[str, str], keys: Mapping[Docking, str]) -> None:
        self._channels = {name: open_channel(address) for name, address in addresses.items()}
        self._keys = keys
        self._intake = intake_pb2_grpc.IntakeServiceStub(self._channels["intake"])
        self._stats = stats_pb2_grpc.StatsServiceStub(self._channels["stats"])
        self._bridges = {channel: stub(self._channels[f"{channel}_bridge"]) for channel, (_, stub) in BRIDGES.items()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels.values():
            await channel.close()

    async def submit(self, channel: Docking, items: Sequence[Submission]) -> dict[StreamName, int]:
        """Hand records over; returns the highest position of each hand-off stream.

        Raises:
            RefusedError: One was not accepted.
        """
        messages, _ = BRIDGES[channel]
        request = messages.SubmitBatchRequest(items=items)
        credential = (("x-api-key", self._keys[channel]),)
        answer = await call(self._bridges[channel].SubmitBatch, request, timeout_s=PATIENCE_S, metadata=credential)
        upto: dict[StreamName, int] = {}
        for result in answer.results:
            if result.WhichOneof("result") == "refusal":
                message = f"{channel}: {result.refusal.code} {result.refusal.field}"
                raise RefusedError(message)
            place = StreamName.parse(result.receipt.position.stream)
            upto[place] = max(upto.get(place, 0), result.receipt.position.position)
        return upto

    async def applied(self, handoffs: Mapping[StreamName, int]) -> dict[StreamName, int]:
        """Wait for intake; returns the place then of the journal's streams that these hand-offs lead to."""
        request = intake_pb2.AwaitAppliedRequest(handoffs=vector_to_wire(handoffs))
        answer = await call(self._intake.AwaitApplied, request, timeout_s=PATIENCE_S)
        shards = {stream.shard for stream in handoffs}
        return {name: upto for name, upto in vector_from_wire(answer.journal).items() if name.shard in shards and upto}

    async def counted(self, journal: Mapping[StreamName, int]) -> int:
        """Wait for an answer of stats that includes a place of the journal; returns the events it includes."""
        query = stats_pb2.Query(metrics=["success"], channels=["all"])
        request = stats_pb2.GetRatesRequest(query=query, at_least=vector_to_wire(journal))
        return int((await call(self._stats.GetRates, request, timeout_s=PATIENCE_S)).events)


class Arrivals:
    """Sends by schedule.

    Args:
        doors: Where to.
        press: Makes the records; each has a number of its own in the whole benchmark.
    """

    def __init__(self, doors: Doors, press: Press) -> None:
        self._doors = doors
        self._press = press
        self._number = 1

    async def run(self, schedule: Schedule) -> Seen:
        """Send for the time of a schedule, and wait until the last sample is answered.

        Raises:
            RefusedError: A record was not accepted.
        """
        batches = self._made(schedule)
        seen, start = Seen(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for tick, (channel, items) in enumerate(batches):
                due = start + tick * schedule.tick_s
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(self._tick(channel, items, due, seen, follow=tick % schedule.every == 0))
        return seen

    async def settled(self, seen: Seen) -> int:
        """Wait until stats includes everything that was accepted; returns the events it has counted then."""
        return await self._doors.counted(await self._doors.applied(seen.handoffs))

    def _made(self, schedule: Schedule) -> list[tuple[Docking, list[Submission]]]:
        """Make every batch before the first is sent: making one takes longer than some ticks."""
        made = []
        for tick, channel in zip(range(schedule.ticks), cycle(BRIDGES), strict=False):
            first, upto = schedule.due(tick)
            numbers = range(self._number + first, self._number + upto)
            if numbers:
                cases = islice(self._press.cases(channel, numbers), len(numbers))
                made.append((channel, [case.submission for case in cases]))
        self._number += schedule.due(schedule.ticks)[0]
        return made

    async def _tick(
        self, channel: Docking, items: Sequence[Submission], due: float, seen: Seen, *, follow: bool
    ) -> None:
        handoffs = await self._doors.submit(channel, items)
        accepted = time.perf_counter()
        seen.receipt_s.append(accepted - due)
        seen.accepted += len(items)
        for stream, position in handoffs.items():
            seen.handoffs[stream] = max(seen.handoffs.get(stream, 0), position)
        if follow:
            await self._doors.counted(await self._doors.applied(handoffs))
            visible = time.perf_counter()
            seen.visible_s.append(visible - accepted)
            seen.from_due_s.append(visible - due)
