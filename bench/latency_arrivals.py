"""Sends records by schedule and measures latency.

The schedule does not depend on the hub. Every tick sends the records that are due as one batch, to each bridge in turn;
a late answer never delays a tick. A sample follows one tick: after its receipt it waits until intake has applied the
hand-offs and stats answers from a state that includes their events. The schedule alone decides which ticks are
followed.
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
from hub.grpc.client import Metadata, call, key_metadata
from hub.grpc.client import channel as open_channel
from hub.grpc.vectors import vector_from_wire, vector_to_wire
from hub.streams.envelope import StreamName
from ops.play.scenarios.vocabulary import Docking

TICK_S: Final = 0.02
"""Shortest time between two batches; at low rates a tick is one record."""
SAMPLES_S: Final = 10.0
"""Most samples per second: sampling must not become the load."""
PATIENCE_S: Final = 280.0
"""Timeout of one call with its retries; a hub that is too slow for a rate answers late, and this is the result."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rate and length of the arrivals.

    Attributes:
        records_s: Records per second.
        seconds: Length in seconds.
    """

    records_s: float
    seconds: float

    @property
    def tick_s(self) -> float:
        """Time between two batches, in seconds."""
        return max(TICK_S, 1 / self.records_s)

    @property
    def ticks(self) -> int:
        """Number of batches."""
        return round(self.seconds / self.tick_s)

    def due(self, tick: int) -> tuple[int, int]:
        """Return the range of a tick's record numbers.

        The end is exclusive.
        """
        a_tick = self.records_s * self.tick_s
        return int(tick * a_tick + 1e-9), int((tick + 1) * a_tick + 1e-9)

    @property
    def every(self) -> int:
        """Distance in ticks between two samples."""
        return max(1, round(1 / (SAMPLES_S * self.tick_s)))


@dataclass(slots=True)
class Seen:
    """The measurements of one run.

    Attributes:
        visible_s: Time from a receipt until a stats answer includes its events, one value per sample.
        from_due_s: The same, from the instant at which the records were due.
        receipt_s: Time from that instant until the receipt, one value per tick.
        accepted: Number of receipts.
        handoffs: Highest position of each hand-off stream that a receipt names.
    """

    visible_s: list[float] = field(default_factory=list)
    from_due_s: list[float] = field(default_factory=list)
    receipt_s: list[float] = field(default_factory=list)
    accepted: int = 0
    handoffs: dict[StreamName, int] = field(default_factory=dict)


class RefusedError(RuntimeError):
    """A record was refused; the measurement is invalid.

    Without an accepted record there is nothing to wait for.
    """


class Interfaces:
    """Clients of the public interfaces that a run needs.

    It is an asynchronous context manager.

    Args:
        addresses: Service to gRPC address.
        keys: Channel to its agency's key.
        who: Credential of an operator.
    """

    def __init__(self, addresses: Mapping[str, str], keys: Mapping[Docking, str], who: Metadata) -> None:
        self._who = who
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
        """Submit records.

        Returns the highest position of each hand-off stream.

        Raises:
            RefusedError: One was not accepted.
        """
        messages, _ = BRIDGES[channel]
        request = messages.SubmitBatchRequest(items=items)
        credential = key_metadata(self._keys[channel])
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
        """Wait until intake has applied the hand-offs.

        Returns the current positions of the journal's streams to which these hand-offs lead.
        """
        request = intake_pb2.AwaitAppliedRequest(handoffs=vector_to_wire(handoffs))
        answer = await call(self._intake.AwaitApplied, request, timeout_s=PATIENCE_S, metadata=self._who)
        shards = {stream.shard for stream in handoffs}
        return {name: upto for name, upto in vector_from_wire(answer.journal).items() if name.shard in shards and upto}

    async def counted(self, journal: Mapping[StreamName, int]) -> int:
        """Wait until stats includes the journal positions.

        Returns the number of events in its answer.
        """
        query = stats_pb2.Query(metrics=["success"], channels=["all"])
        request = stats_pb2.GetRatesRequest(query=query, at_least=vector_to_wire(journal))
        return int((await call(self._stats.GetRates, request, timeout_s=PATIENCE_S, metadata=self._who)).events)


class Arrivals:
    """Sends records by schedule.

    Args:
        interfaces: Clients of the public interfaces.
        press: Makes the records; each has a number of its own in the whole benchmark.
    """

    def __init__(self, interfaces: Interfaces, press: Press) -> None:
        self._interfaces = interfaces
        self._press = press
        self._number = 1

    async def run(self, schedule: Schedule) -> Seen:
        """Run a schedule and wait for its last sample.

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
        """Wait until stats includes everything accepted.

        Returns the number of events it has counted.
        """
        return await self._interfaces.counted(await self._interfaces.applied(seen.handoffs))

    def _made(self, schedule: Schedule) -> list[tuple[Docking, list[Submission]]]:
        """Make all batches before sending.

        Making one takes longer than some ticks.
        """
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
        handoffs = await self._interfaces.submit(channel, items)
        accepted = time.perf_counter()
        seen.receipt_s.append(accepted - due)
        seen.accepted += len(items)
        for stream, position in handoffs.items():
            seen.handoffs[stream] = max(seen.handoffs.get(stream, 0), position)
        if follow:
            await self._interfaces.counted(await self._interfaces.applied(handoffs))
            visible = time.perf_counter()
            seen.visible_s.append(visible - accepted)
            seen.from_due_s.append(visible - due)
