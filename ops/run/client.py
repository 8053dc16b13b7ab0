"""Reads the public data of services over the network.

That is books, rates, metrics and health.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import grpc
import httpx2
from prometheus_client.parser import text_string_to_metric_families

from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.grpc.client import Metadata, call, channel, refusal_of
from hub.grpc.vectors import vector_to_wire
from hub.streams.envelope import StreamName
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from ops.console.refusals import UNAVAILABLE
from ops.run.books import Sheet, sheet_of
from ops.run.rates import CHANNELS, METRICS, RateRow

INTAKE: Final = "intake"
"""The first worker; they share one store, so that each of them knows all."""
LAG: Final = "hub_pipeline_lag_seconds"
QUICK_S: Final = 3.0
LONG_S: Final = 90.0
PERSON_S: Final = 8.0
"""Timeout for commands whose user waits at a terminal."""


PAGE: Final = 1000
"""Items of a page, the most that intake gives."""


async def pages(method: Any, request: Any, who: Metadata) -> AsyncIterator[Any]:  # noqa: ANN401 - a list method of any service
    """Yield the answers of a list method, page by page.

    Args:
        method: Of a stub.
        request: Of the first page; its token is moved on.
        who: Credential that is shown.

    Raises:
        Retryable: The service does not answer in time.
    """
    while True:
        answer = await call(method, request, timeout_s=PERSON_S, metadata=who)
        yield answer
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


class HubClient:
    """A client with connections to every process.

    Args:
        grpc_addresses: Label of each process to its gRPC address.
        http_urls: Label of each process to its HTTP address.
        who: Credential of an operator.
        patience_s: How long a request is retried while the process does not answer.
    """

    def __init__(
        self,
        grpc_addresses: Mapping[str, str],
        http_urls: Mapping[str, str],
        who: Metadata,
        *,
        patience_s: float = LONG_S,
    ) -> None:
        self._who = who
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
        """Return the books of one process.

        `timeout_s` replaces the client's own `patience_s`.

        Raises:
            Retryable: It does not answer in time.
        """
        stub = books_pb2_grpc.BooksServiceStub(self._channels[label])
        patience_s = self._patience_s if timeout_s is None else timeout_s
        return sheet_of(
            await call(stub.GetBooks, books_pb2.GetBooksRequest(), timeout_s=patience_s, metadata=self._who)
        )

    async def sheet_now(self, label: str) -> Sheet | None:
        """Return the books of one process without retries.

        None when it does not answer within `QUICK_S`.
        """
        stub = books_pb2_grpc.BooksServiceStub(self._channels[label])
        try:
            return sheet_of(await stub.GetBooks(books_pb2.GetBooksRequest(), timeout=QUICK_S, metadata=self._who))
        except grpc.aio.AioRpcError:
            return None

    async def sheets(self, labels: Sequence[str]) -> dict[str, Sheet]:
        """Return the books of several processes."""
        found = await asyncio.gather(*(self.sheet(label) for label in labels))
        return dict(zip(labels, found, strict=True))

    async def rates(
        self, start: str, end: str, at_least: Mapping[StreamName, int], metrics: Sequence[str] = METRICS
    ) -> tuple[tuple[RateRow, ...], int]:
        """Return the rates of [start, end).

        With them comes the number of events that stats has folded. The state includes the given journal positions.

        Args:
            start: ISO date; empty is open.
            end: ISO date of the day after; empty is open.
            at_least: Stream to position in the journal that the state must include.
            metrics: Names of the figures.

        Raises:
            Rejected: Stats refuses a date; the error names the field.
            Retryable: Stats does not reach the positions in time.
        """
        request = stats_pb2.GetRatesRequest(query=_query(start, end, metrics), at_least=vector_to_wire(at_least))
        stub = stats_pb2_grpc.StatsServiceStub(self._channels["stats"])
        answer = await call(stub.GetRates, request, timeout_s=self._patience_s, metadata=self._who)
        return tuple(_rate(rate) for rate in answer.rates), answer.events

    async def watch_rates(self, start: str, end: str) -> AsyncIterator[tuple[tuple[RateRow, ...], int]]:
        """Yield the rates of [start, end) at each change.

        Ends when stats is no longer reachable.
        """
        stub = stats_pb2_grpc.StatsServiceStub(self._channels["stats"])
        try:
            request = stats_pb2.WatchRatesRequest(query=_query(start, end, METRICS))
            async for answer in stub.WatchRates(request, metadata=self._who):
                yield tuple(_rate(rate) for rate in answer.rates), answer.events
        except grpc.aio.AioRpcError as error:
            if refusal_of(error).is_final and error.code() is grpc.StatusCode.UNIMPLEMENTED:
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
        raise UNAVAILABLE.error(why=f"{label}/metrics")

    async def lag_s(self, label: str) -> float:
        """Return the lag of one process in seconds.

        That is the largest lag of its readers; 0 when it has no such metric.
        """
        families = text_string_to_metric_families(await self.metrics(label))
        return max((sample.value for family in families for sample in family.samples if sample.name == LAG), default=0)


def _query(start: str, end: str, metrics: Sequence[str]) -> stats_pb2.Query:
    return stats_pb2.Query(start_on=start, end_on=end, metrics=metrics, channels=CHANNELS)


def _rate(wire: stats_pb2.Rate) -> RateRow:
    percent = wire.percent if wire.HasField("percent") else None
    return RateRow(wire.channel, wire.metric, wire.numerator, wire.denominator, percent)
