"""Serves StatsService over gRPC.

Turns requests into questions and answers into messages; a refusal names the field.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import grpc
from typing_extensions import override

from dispute.contracts.topics import JOURNAL
from dispute.refusals.interfaces import UNKNOWN_STREAM
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.access.gate import current_caller
from hub.grpc.call import time_left
from hub.grpc.vectors import vector_from_wire, vector_to_wire
from hub.streams.envelope import StreamName
from hub.streams.reader import Reader
from hub.streams.topics import SHARDS
from hub.wire.stream.v1 import stream_pb2
from services.stats.facts.ports import PositionWaiter
from services.stats.facts.query import Positions, Scope
from services.stats.facts.windows import iso_day
from services.stats.figures.answers import Figures
from services.stats.figures.definitions import metric_named
from services.stats.figures.listing import page_size, selected
from services.stats.figures.question import Question, channel_named, question, where
from services.stats.figures.rates import MetricRate

ANSWER_S: Final = 0.05
"""Reserved from the caller's timeout, so that a refusal with its reason still arrives in time."""

Context = grpc.aio.ServicerContext[Any, Any]


class JournalWaiter(PositionWaiter):
    """Position of the reader, with streams as text."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @override
    async def wait_for(self, at_least: Positions, timeout_s: float) -> None:
        vector = {StreamName.parse(name): position for name, position in at_least.items()}
        await self._reader.wait_for(vector, timeout_s)


class StatsServicer(stats_pb2_grpc.StatsServiceServicer):
    """Answers from `Figures`."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    @override
    async def GetRates(self, request: stats_pb2.GetRatesRequest, context: Context) -> stats_pb2.GetRatesResponse:
        """Return rates of a state including `at_least`."""
        asked = _question(request.query)
        found = await self._figures.rates(asked, _at_least(request.at_least), _left_s(context))
        return stats_pb2.GetRatesResponse(
            rates=_rates(found.rates), positions=_positions(found.state.positions), events=found.state.events
        )

    @override
    async def WatchRates(
        self, request: stats_pb2.WatchRatesRequest, context: Context
    ) -> AsyncIterator[stats_pb2.WatchRatesResponse]:
        """Push rates now and after each change."""
        async for found in self._figures.watch(_question(request.query)):
            yield stats_pb2.WatchRatesResponse(
                rates=_rates(found.rates), positions=_positions(found.state.positions), events=found.state.events
            )

    @override
    async def ListCounted(
        self, request: stats_pb2.ListCountedRequest, context: Context
    ) -> stats_pb2.ListCountedResponse:
        """Return a page of the disputes of a number."""
        metric = metric_named(request.metric, field="metric")
        selection = selected(metric, request.part, channel_named(request.channel, field="channel"))
        page = await self._figures.listing(
            _where(request.query),
            selection,
            limit=page_size(request.page_size),
            token=request.page_token,
            at_least=_at_least(request.at_least),
            timeout_s=_left_s(context),
        )
        return stats_pb2.ListCountedResponse(
            counted=[
                stats_pb2.Counted(
                    dispute_id=str(UUID(bytes=row.dispute)), count=row.count, business_day=iso_day(row.day)
                )
                for row in page.counted
            ],
            next_page_token=page.token,
            total=page.total,
            positions=_positions(page.positions),
        )

    @override
    async def GetPositions(
        self, request: stats_pb2.GetPositionsRequest, context: Context
    ) -> stats_pb2.GetPositionsResponse:
        """Return the positions that answers include now."""
        state = await self._figures.state()
        return stats_pb2.GetPositionsResponse(positions=_positions(state.positions), events=state.events)


def _where(query: stats_pb2.Query) -> Scope:
    return where(query.start_on, query.end_on, query.county_code, query.town_code, current_caller().area)


def _question(query: stats_pb2.Query) -> Question:
    return question(_where(query), query.metrics, query.channels)


def _at_least(vector: stream_pb2.PositionVector) -> Mapping[str, int]:
    """Read the wanted positions.

    A stream that was not read yet is waited for, one that can't exist is refused.
    """
    positions = vector_from_wire(vector)
    for index, stream in enumerate(positions):
        if stream.producer not in JOURNAL.producers or stream.shard >= SHARDS:
            raise UNKNOWN_STREAM.error(field=f"at_least.positions.{index}.stream", topic=JOURNAL.name)
    return {str(stream): position for stream, position in positions.items()}


def _left_s(context: Context) -> float:
    return max(0.0, time_left(context) - ANSWER_S)


def _rates(rates: Sequence[MetricRate]) -> list[stats_pb2.Rate]:
    return [
        stats_pb2.Rate(
            channel=rate.channel,
            metric=rate.metric,
            numerator=rate.numerator,
            denominator=rate.denominator,
            percent=rate.percent,
            open=rate.open,
        )
        for rate in rates
    ]


def _positions(positions: Positions) -> stream_pb2.PositionVector:
    return vector_to_wire({StreamName.parse(name): position for name, position in positions.items()})
