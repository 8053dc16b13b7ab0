"""Simulates the court.

It submits suits and fetches results over REST, and reports rulings over gRPC.
"""

from __future__ import annotations

from datetime import datetime

from typing_extensions import override

from dispute.wire.court.v1 import court_pb2, court_pb2_grpc
from dispute.wire.handoff.v1 import handoff_pb2
from hub.grpc.client import channel, key_metadata
from ops.play.simulators.answers import Answer, Patience, ReceivedRefusal
from ops.play.simulators.calls import ask
from ops.play.simulators.rest import RestPartner
from ops.play.simulators.wire import receipt_of


class CourtSystem(RestPartner):
    """One court's system.

    Args:
        agency: For example `court-620725`.
        url: HTTP address of the court bridge.
        grpc_address: Its gRPC address.
        api_key: Credential.
        patience: Retries calls that get no answer.
    """

    def __init__(self, agency: str, url: str, grpc_address: str, api_key: str, patience: Patience) -> None:
        super().__init__(url, api_key, "/v1/cases", "court_case", patience)
        self.agency = agency
        self._api_key = api_key
        self._channel = channel(grpc_address)
        self._stub = court_pb2_grpc.CourtBridgeServiceStub(self._channel)

    async def report_ruling(self, ref: str, key: str, at: datetime, *, confirmed: bool) -> Answer:
        """Report the ruling on an application for judicial confirmation."""
        request = court_pb2.ReportRequest(
            idempotency_key=key, source_ref=ref, ruling=handoff_pb2.CourtRuling(confirmed=confirmed)
        )
        request.occurred_at.FromDatetime(at)
        answer = await ask(
            self._stub.Report,
            request,
            patience=self._patience,
            what="court ruling",
            metadata=key_metadata(self._api_key),
        )
        return answer if isinstance(answer, ReceivedRefusal) else receipt_of(answer.receipt)

    @override
    async def close(self) -> None:
        """Close the connections."""
        await super().close()
        await self._channel.close()
