"""The calls of `hub.police.v1.PoliceBridgeService`: its messages around what all bridges share."""

from __future__ import annotations

from typing import Final

from typing_extensions import override

from hub.exchange.calls import Calls, Context
from hub.wire.police.v1 import police_pb2 as pb
from hub.wire.police.v1 import police_pb2_grpc
from services.police_bridge.domain.incident import PoliceIncident

FULL_NAME: Final = pb.DESCRIPTOR.services_by_name["PoliceBridgeService"].full_name


class PoliceServicer(police_pb2_grpc.PoliceBridgeServiceServicer):
    """Serves the police's calls."""

    def __init__(self, calls: Calls[PoliceIncident]) -> None:
        self._calls = calls

    @override
    async def Submit(self, request: pb.SubmitRequest, context: Context) -> pb.SubmitResponse:
        """Take one record."""
        receipt = await self._calls.submit(context, request.idempotency_key, request.incident)
        return pb.SubmitResponse(receipt=receipt)

    @override
    async def SubmitBatch(self, request: pb.SubmitBatchRequest, context: Context) -> pb.SubmitBatchResponse:
        """Take many records."""
        items = [(item.idempotency_key, item.incident) for item in request.items]
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
