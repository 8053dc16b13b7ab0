"""The calls of `hub.court.v1.CourtBridgeService`: its messages around what all bridges share."""

from __future__ import annotations

from typing import Final

from typing_extensions import override

from hub.exchange.calls import Calls, Context
from hub.wire.court.v1 import court_pb2 as pb
from hub.wire.court.v1 import court_pb2_grpc
from services.court_bridge.domain.case import CourtCase

FULL_NAME: Final = pb.DESCRIPTOR.services_by_name["CourtBridgeService"].full_name


class CourtServicer(court_pb2_grpc.CourtBridgeServiceServicer):
    """Serves the court's calls."""

    def __init__(self, calls: Calls[CourtCase]) -> None:
        self._calls = calls

    @override
    async def Submit(self, request: pb.SubmitRequest, context: Context) -> pb.SubmitResponse:
        """Take one record."""
        receipt = await self._calls.submit(context, request.idempotency_key, request.court_case)
        return pb.SubmitResponse(receipt=receipt)

    @override
    async def SubmitBatch(self, request: pb.SubmitBatchRequest, context: Context) -> pb.SubmitBatchResponse:
        """Take many records."""
        items = [(item.idempotency_key, item.court_case) for item in request.items]
        parts = await self._calls.submit_batch(context, items)
        results = [pb.ItemResult(receipt=part.receipt, refusal=part.refusal) for part in parts]
        return pb.SubmitBatchResponse(results=results)

    @override
    async def Report(self, request: pb.ReportRequest, context: Context) -> pb.ReportResponse:
        """Take a later fact."""
        return pb.ReportResponse(receipt=await self._calls.report(context, request))

    @override
    async def Get(self, request: pb.GetRequest, context: Context) -> pb.GetResponse:
        """Tell where one reference is."""
        receipt, results = await self._calls.get(context, request.source_ref)
        return pb.GetResponse(receipt=receipt, results=results)

    @override
    async def ListResults(self, request: pb.ListResultsRequest, context: Context) -> pb.ListResultsResponse:
        """Give results after a cursor."""
        results, cursor = await self._calls.list_results(context, request.after_cursor, request.page_size)
        return pb.ListResultsResponse(results=results, next_cursor=cursor)

    @override
    async def Acknowledge(self, request: pb.AcknowledgeRequest, context: Context) -> pb.AcknowledgeResponse:
        """Confirm results."""
        return pb.AcknowledgeResponse(remaining=await self._calls.acknowledge(context, request.cursor))
