"""Reads what services show to everybody: books, rates, metrics, health; asked over the network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import grpc
import httpx2
from prometheus_client.parser import text_string_to_metric_families

from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.errors import Rejected, Retryable
from hub.grpc.client import call, channel, error_of
from hub.grpc.vectors import vector_to_wire
from hub.streams.envelope import StreamName
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from ops.run.books import Sheet, sheet_of
from ops.run.rates import CHANNELS, METRICS, RateRow

LAG: Final = "hub_pipeline_lag_seconds"
QUICK_S: Final = 3.0
LONG_S: Final = 90.0
PERSON_S: Final = 8.0
"""Patience of somebody who waits at a terminal."""


class HubClient:
    """Open channels to every process of a hub.

    Args:
        grpc_addresses: Label of each process to its gRPC address.
        http_urls: Label of each process to its HTTP address.
        patience_s: How long a process that does not answer is asked again.
    """

    def __init__(
        self, grpc_addresses: Mapping[str, str], http_urls: Mapping[str, str], *, patience_s: float = LONG_S
    ) -> None:
        self._patience_s = patience_s
        self._channels = {label: channel(address) for label, address in grpc_addresses.items()}
        self._http = httpx2.AsyncClient(timeout=QUICK_S)
        self._urls = dict(http_urls)

    async def close(self) -> None:
        """Close the connections."""
        for opened in self._channels.values():
            await opened.close()
        await self._http.aclose()

    async def sheet(self, label: str, *, timeout_s: float | None = None) -> Sheet:
        """Return the books of one process; `timeout_s` replaces the desk's patience.

        Raises:
            Retryable: It does not answer in time.
        """
        stub = books_pb2_grpc.BooksServiceStub(self._channels[label])
        patience_s = self._patience_s if timeout_s is None else timeout_s
        return sheet_of(await call(stub.GetBooks, books_pb2.GetBooksRequest(), timeout_s=patience_s))

    async def sheet_now(self, label: str) -> Sheet | None:
        """Return the books of one process, None when it does not answer at once."""
        stub = books_pb2_grpc.BooksServiceStub(self._channels[label])
        try:
            return sheet_of(await stub.GetBooks(books_pb2.GetBooksRequest(), timeout=QUICK_S))
        except grpc.aio.AioRpcError:
            return None

    async def sheets(self, labels: Sequence[str]) -> dict[str, Sheet]:
        """Return the books of several processes."""
        found = await asyncio.gather(*(self.sheet(label) for label in labels))
        return dict(zip(labels, found, strict=True))

    async def rates(self, start: str, end: str, at_least: Mapping[StreamName, int]) -> tuple[tuple[RateRow, ...], int]:
        """Return the table of [start, end) and the events folded, from a state that includes a place in the journal.

        Args:
            start: ISO date; empty is open.
            end: ISO date of the day after; empty is open.
            at_least: Place in the journal.

        Raises:
            Rejected: A date that stats refuses, by its name.
            Retryable: It does not get there in time.
        """
        request = stats_pb2.GetRatesRequest(query=_query(start, end), at_least=vector_to_wire(at_least))
        stub = stats_pb2_grpc.StatsServiceStub(self._channels["stats"])
        answer = await call(stub.GetRates, request, timeout_s=self._patience_s)
        return tuple(_rate(rate) for rate in answer.rates), answer.events

    async def watch_rates(self, start: str, end: str) -> AsyncIterator[tuple[tuple[RateRow, ...], int]]:
        """Yield the table of [start, end) whenever it changes; ends when stats goes away."""
        stub = stats_pb2_grpc.StatsServiceStub(self._channels["stats"])
        try:
            async for answer in stub.WatchRates(stats_pb2.WatchRatesRequest(query=_query(start, end))):
                yield tuple(_rate(rate) for rate in answer.rates), answer.events
        except grpc.aio.AioRpcError as error:
            if isinstance(error_of(error), Rejected) and error.code() is grpc.StatusCode.UNIMPLEMENTED:
                raise

    async def metrics(self, label: str) -> str:
        """Return the text of `/metrics`.

        Raises:
            Retryable: It does not answer in time.
        """
        for _ in range(30):
            try:
                response = await self._http.get(f"{self._urls[label]}/metrics")
            except httpx2.TransportError:
                await asyncio.sleep(0.2)
                continue
            response.raise_for_status()
            return response.text
        raise Retryable("unavailable", f"{label}: /metrics does not answer")

    async def lag_s(self, label: str) -> float:
        """Return how many seconds the readers of one process are behind; 0 when it says nothing about it."""
        families = text_string_to_metric_families(await self.metrics(label))
        return max((sample.value for family in families for sample in family.samples if sample.name == LAG), default=0)


def _query(start: str, end: str) -> stats_pb2.Query:
    return stats_pb2.Query(start_on=start, end_on=end, metrics=METRICS, channels=CHANNELS)


def _rate(wire: stats_pb2.Rate) -> RateRow:
    percent = wire.percent if wire.HasField("percent") else None
    return RateRow(wire.channel, wire.metric, wire.numerator, wire.denominator, percent)
