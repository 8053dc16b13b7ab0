"""The hub's public interfaces as the year uses them: three agencies, the centre's people, and who asks for figures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final, TypeVar

from google.protobuf.json_format import ParseDict

from dispute.contracts.codec import timestamp_of
from dispute.wire.court.v1 import court_pb2, court_pb2_grpc
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.exchange.v1 import exchange_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from dispute.wire.journal.v1 import journal_pb2
from dispute.wire.petition.v1 import petition_pb2, petition_pb2_grpc
from dispute.wire.police.v1 import police_pb2, police_pb2_grpc
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.errors import Refused
from hub.grpc.client import bearer, call, channel, key_metadata
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from ops.run.credentials import OPERATOR
from tests.support.journals import until

LONG_S: Final = 120.0
AT_ONCE: Final = 16
BATCH: Final = 500
PAGE: Final = 1000
AGENCIES: Final = {
    "court": (court_pb2, court_pb2_grpc.CourtBridgeServiceStub, "court_case", "CourtCase"),
    "police": (police_pb2, police_pb2_grpc.PoliceBridgeServiceStub, "incident", "PoliceIncident"),
    "petition": (petition_pb2, petition_pb2_grpc.PetitionBridgeServiceStub, "petition", "PetitionItem"),
}
Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass
class Doors:
    """Clients of a running hub.

    Attributes:
        tokens: Role to the token of somebody who has it.
        bridges: Channel to the client of its bridge.
        books: Channel to the client of its bridge's books.
        reached: Positions of the hand-offs that the bridges acknowledged.
        journal: Positions in the journal that intake told.
    """

    bridges: Mapping[str, Any]
    books: Mapping[str, Any]
    keys: Mapping[str, str]
    tokens: Mapping[str, str]
    intake: Any
    stats: Any
    reached: dict[str, int] = field(default_factory=dict)
    journal: dict[str, int] = field(default_factory=dict)

    async def hand_over(self, source: str, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
        """Give records to a bridge in batches; returns the code of each refusal, or an empty text."""
        messages, _, name, kind = AGENCIES[source]
        codes: list[str] = []
        for part in parts(bodies, BATCH):
            items = [
                messages.SubmitRequest(**{name: ParseDict(dict(body), getattr(messages, kind)())}) for body in part
            ]
            answer = await self._agency(source, "SubmitBatch", messages.SubmitBatchRequest(items=items))
            codes += [self._noted(result) for result in answer.results]
        return codes

    async def report(self, source: str, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
        """Report later facts one by one, as agencies do; those of one record follow one another in another call."""
        messages = AGENCIES[source][0]

        async def one(body: Mapping[str, Any]) -> str:
            request = ParseDict(dict(body), messages.ReportRequest())
            request.idempotency_key = f"{body['source_ref']}/{body['occurred_at']}"[:128]
            try:
                answer = await self._agency(source, "Report", request)
            except Refused as refused:
                return refused.refusal.code
            self._note(answer.receipt)
            return ""

        return await at_once(one, bodies)

    async def submit(self, requests: Sequence[intake_pb2.SubmitRequest]) -> list[str]:
        """Enter cases at intake, one after the other: a later one may be of an earlier one's matter."""
        codes: list[str] = []
        for request in requests:
            try:
                await self._staff("clerk", self.intake.Submit, request)
                codes.append("")
            except Refused as refused:
                codes.append(refused.refusal.code)
        return codes

    async def execute(self, commands: Sequence[command_pb2.Command]) -> list[str]:
        """Carry out commands of people."""
        codes: list[str] = []
        for (role, closing), group in groupby(commands, key=lambda each: (each.actor.role, each.HasField("close"))):
            for part in parts(list(group), BATCH):
                if closing:
                    await self._approve(part)
                request = intake_pb2.ExecuteBatchRequest(commands=part)
                codes += _codes(await self._staff(role, self.intake.ExecuteBatch, request))
        return codes

    async def _approve(self, commands: Sequence[command_pb2.Command]) -> None:
        """Have those who are named approve what needs two."""
        for holder, group in groupby(commands, key=lambda command: command.close.reviewer_id):
            request = intake_pb2.ApproveRequest(commands=group)
            await self._staff(holder.partition("-")[0], self.intake.Approve, request)

    async def applied(self) -> None:
        """Wait until intake has applied every acknowledged hand-off."""
        request = intake_pb2.AwaitAppliedRequest()
        self._ask(request.handoffs, self.reached)
        self._told((await self._staff(OPERATOR, self.intake.AwaitApplied, request)).journal)

    async def caught_up(self, source: str) -> None:
        """Wait until a bridge has read everything that intake has written: its agency then has every result."""
        await self.applied()

        async def has_read() -> bool:
            books = await self._staff(OPERATOR, self.books[source].GetBooks, books_pb2.GetBooksRequest())
            read = {place.stream: place.position for place in books.read.positions}
            return all(read.get(stream, 0) >= position for stream, position in self.journal.items())

        await until(has_read, seconds=LONG_S)

    async def advance(self, to: datetime) -> int:
        """Move the scenario clock; returns how many timers fired."""
        request = intake_pb2.AdvanceClockRequest(to=timestamp_of(to))
        self._ask(request.handoffs, self.reached)
        answer = await self._staff(OPERATOR, self.intake.AdvanceClock, request)
        self._told(answer.journal)
        return int(answer.fired)

    async def register(self) -> list[intake_pb2.Dispute]:
        """Return every dispute of the register."""
        found: list[intake_pb2.Dispute] = []
        request = intake_pb2.ListDisputesRequest(page_size=PAGE)
        while True:
            answer = await self._staff(OPERATOR, self.intake.ListDisputes, request)
            found += answer.disputes
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token

    async def journal_events(self) -> dict[str, list[journal_pb2.JournalEvent]]:
        """Return every event of the journal, by dispute, in the order of its numbers."""
        await self.applied()
        request = intake_pb2.WatchEventsRequest()
        self._ask(request.after, dict.fromkeys(self.journal, 0))
        left = sum(self.journal.values())
        found: dict[str, list[journal_pb2.JournalEvent]] = {}
        watched = self.intake.WatchEvents(request, timeout=LONG_S, metadata=bearer(self.tokens[OPERATOR]))
        async for answer in watched:
            left -= len(answer.events)
            for event in answer.events:
                found.setdefault(event.dispute_id, []).append(event)
            if left <= 0:
                break
        watched.cancel()
        return {name: sorted(events, key=lambda each: each.sequence) for name, events in found.items()}

    async def histories(self, dispute_ids: Sequence[str]) -> dict[str, list[journal_pb2.JournalEvent]]:
        """Return the history of each dispute."""

        async def one(dispute_id: str) -> list[journal_pb2.JournalEvent]:
            request = intake_pb2.GetHistoryRequest(dispute_id=dispute_id)
            return list((await self._staff(OPERATOR, self.intake.GetHistory, request)).events)

        return dict(zip(dispute_ids, await at_once(one, dispute_ids), strict=True))

    async def limits(self, dispute_ids: Sequence[str]) -> dict[str, str]:
        """Return the next limit of each dispute; empty when none runs."""

        async def one(dispute_id: str) -> str:
            request = intake_pb2.GetDisputeRequest(dispute_id=dispute_id)
            answer = await self._staff(OPERATOR, self.intake.GetDispute, request)
            return str(answer.next_limit.name)

        return dict(zip(dispute_ids, await at_once(one, dispute_ids), strict=True))

    async def results(self, source: str) -> list[exchange_pb2.Result]:
        """Return every result that an agency has."""
        messages = AGENCIES[source][0]
        found: list[exchange_pb2.Result] = []
        cursor = 0
        while True:
            request = messages.ListResultsRequest(after_cursor=cursor, page_size=PAGE)
            answer = await self._agency(source, "ListResults", request)
            found += answer.results
            if not answer.results:
                return found
            cursor = answer.next_cursor

    async def rates(self, first: str, after: str, metrics: Iterable[str], channels: Iterable[str]) -> Any:  # noqa: ANN401 - a message
        """Return the figures of a window, of a state that has everything in the journal."""
        query = stats_pb2.Query(start_on=first, end_on=after, metrics=list(metrics), channels=list(channels))
        request = stats_pb2.GetRatesRequest(query=query)
        self._ask(request.at_least, self.journal)
        return await self._staff(OPERATOR, self.stats.GetRates, request)

    async def _agency(self, source: str, method: str, request: Any) -> Any:  # noqa: ANN401 - messages of any agency
        who = key_metadata(self.keys[source])
        return await call(getattr(self.bridges[source], method), request, timeout_s=LONG_S, metadata=who)

    async def _staff(self, role: str, method: Any, request: Any) -> Any:  # noqa: ANN401 - any method of any service
        return await call(method, request, timeout_s=LONG_S, metadata=bearer(self.tokens[role]))

    def _noted(self, result: Any) -> str:  # noqa: ANN401 - an ItemResult of any agency
        if result.WhichOneof("result") == "refusal":
            return str(result.refusal.code)
        self._note(result.receipt)
        return ""

    def _note(self, receipt: exchange_pb2.Receipt) -> None:
        place = receipt.position
        self.reached[place.stream] = max(self.reached.get(place.stream, 0), place.position)

    def _told(self, vector: Any) -> None:  # noqa: ANN401 - a PositionVector
        for place in vector.positions:
            self.journal[place.stream] = max(self.journal.get(place.stream, 0), place.position)

    @staticmethod
    def _ask(vector: Any, places: Mapping[str, int]) -> None:  # noqa: ANN401 - a PositionVector
        for stream, position in places.items():
            vector.positions.add(stream=stream, position=position)


@asynccontextmanager
async def opened(
    addresses: Mapping[str, str], keys: Mapping[str, str], tokens: Mapping[str, str]
) -> AsyncIterator[Doors]:
    """Open clients of a hub.

    Args:
        addresses: Service to gRPC address.
        keys: Agency's channel to its API key.
        tokens: Role to the token of somebody who has it.
    """
    async with AsyncExitStack() as stack:

        async def stub(kind: Any, service: str) -> Any:  # noqa: ANN401 - stubs are untyped
            return kind(await stack.enter_async_context(channel(addresses[service])))

        bridges = {name: await stub(kind, f"{name}_bridge") for name, (_, kind, _, _) in AGENCIES.items()}
        books = {name: await stub(books_pb2_grpc.BooksServiceStub, f"{name}_bridge") for name in AGENCIES}
        intake = await stub(intake_pb2_grpc.IntakeServiceStub, "intake")
        stats = await stub(stats_pb2_grpc.StatsServiceStub, "stats")
        yield Doors(bridges, books, keys, tokens, intake, stats)


def _codes(answer: intake_pb2.ExecuteBatchResponse) -> list[str]:
    """Return the code of each refusal, or an empty text."""
    return [each.refusal.code if each.WhichOneof("result") == "refusal" else "" for each in answer.results]


def parts(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """Split items into parts."""
    return [items[at : at + size] for at in range(0, len(items), size)]


async def at_once(work: Any, items: Sequence[Any]) -> list[Any]:  # noqa: ANN401 - a function of one item
    """Do something for each item, several at the same time; returns the answers in order."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: Any) -> Any:  # noqa: ANN401 - as above
        async with gate:
            return await work(item)

    return list(await asyncio.gather(*(one(item) for item in items)))
