"""Simulates the police, everything over gRPC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from dispute.wire.police.v1 import police_pb2, police_pb2_grpc
from hub.grpc.client import channel, key_metadata
from ops.console.exits import BrokenPromise
from ops.play.simulators.answers import Answer, Patience, ReceivedRefusal, ReceivedResult
from ops.play.simulators.bodies import Body
from ops.play.simulators.calls import ask
from ops.play.simulators.rest import PAGE
from ops.play.simulators.wire import receipt_of, result_of


class PoliceSystem:
    """One police organ's system.

    Args:
        agency: For example `police-620725`.
        grpc_address: gRPC address of the police bridge.
        api_key: Credential.
        patience: Retries calls that get no answer.
    """

    def __init__(self, agency: str, grpc_address: str, api_key: str, patience: Patience) -> None:
        self.agency = agency
        self._api_key = api_key
        self._patience = patience
        self._channel = channel(grpc_address)
        self._stub = police_pb2_grpc.PoliceBridgeServiceStub(self._channel)

    async def close(self) -> None:
        """Close the connections."""
        await self._channel.close()

    async def submit(self, body: Body, key: str | None = None) -> Answer:
        """Send one incident."""
        answer = await self._ask(self._stub.Submit, _request(body, key), "police submit")
        return answer if isinstance(answer, ReceivedRefusal) else receipt_of(answer.receipt)

    async def submit_batch(self, bodies: Sequence[Body]) -> list[Answer]:
        """Send many incidents."""
        request = police_pb2.SubmitBatchRequest(items=[_request(body, None) for body in bodies])
        answer = await self._ask(self._stub.SubmitBatch, request, "police batch")
        if isinstance(answer, ReceivedRefusal):
            return [answer] * len(bodies)
        if len(answer.results) != len(bodies):
            raise BrokenPromise(f"the police bridge answered {len(bodies)} records with {len(answer.results)} results")
        return [_item(result) for result in answer.results]

    async def results(self, after: int) -> tuple[list[ReceivedResult], int]:
        """Fetch a page of results."""
        request = police_pb2.ListResultsRequest(after_cursor=after, page_size=PAGE)
        answer = await self._ask(self._stub.ListResults, request, "police results")
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"results were refused: {answer.code}")
        return [result_of(result) for result in answer.results], answer.next_cursor

    async def acknowledge(self, cursor: int) -> None:
        """Confirm results."""
        answer = await self._ask(self._stub.Acknowledge, police_pb2.AcknowledgeRequest(cursor=cursor), "police ack")
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"acknowledging was refused: {answer.code}")

    async def _ask(self, method: Callable[..., Any], request: Message, what: str) -> Any:  # noqa: ANN401 - as `ask`
        return await ask(method, request, patience=self._patience, what=what, metadata=key_metadata(self._api_key))


def _request(body: Body, key: str | None) -> police_pb2.SubmitRequest:
    # ParseDict accepts the proto's own field names and RFC 3339 times.
    return police_pb2.SubmitRequest(
        idempotency_key=key or "", incident=json_format.ParseDict(body, police_pb2.PoliceIncident())
    )


def _item(result: police_pb2.ItemResult) -> Answer:
    if result.WhichOneof("result") == "receipt":
        return receipt_of(result.receipt)
    return ReceivedRefusal(result.refusal.code, result.refusal.field, "item")
