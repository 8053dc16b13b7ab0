"""gRPC edge of a bridge.

Credential, correlation, and messages to plain values: the same for every agency.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Generic, NoReturn, TypeAlias

import grpc
import structlog
from google.protobuf.message import Message

from bridge.inbound import answer_messages as wire
from bridge.inbound.plain import plain_of
from bridge.inbound.requests import RequestHandler, SubmittedRecord, correlation_of, sender_of
from bridge.inbound.sealed_records import SealedRecords
from bridge.record.facts import Receipt, RecordT, Sender, Verdict
from bridge.specification import SealedRecord, Specification
from hub.access.gate import current_caller
from hub.runtime.turns import in_turns

# grpc types a context by the messages of its method; code for every bridge can't name them.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class BridgeServicer(Generic[RecordT]):
    """Serves the calls of one bridge.

    Six are the same in all bridges, with messages of the same names; a call for a sealed record is only refused.

    Args:
        spec: Has the messages, and the name of the record in them.
        requests: Takes records and returns results.
        sealed: Refuses calls for sealed records.
    """

    def __init__(self, spec: Specification[RecordT], requests: RequestHandler[RecordT], sealed: SealedRecords) -> None:
        self._messages: Any = spec.messages
        self._field = spec.field
        self._requests = requests
        self._sealed = sealed
        for record in spec.sealed:
            setattr(self, record.call, partial(self._refuse, record))

    async def Submit(self, request: Any, context: Context) -> Message:  # noqa: ANN401, N802 - the bridge's own message; gRPC's name
        """Take one record."""
        sender, correlation_id = self._who(context)
        given = await self._requests.submit(sender, self._submitted(request), correlation_id)
        return self._answer("Submit", receipt=wire.receipt_to_wire(given))

    async def SubmitBatch(self, request: Any, context: Context) -> Message:  # noqa: ANN401, N802 - as above
        """Take many records; one answer each, in order."""
        sender, correlation_id = self._who(context)
        submitted = [self._submitted(item) async for item in in_turns(request.items)]
        verdicts = await self._requests.submit_all(sender, submitted, correlation_id)
        return self._answer("SubmitBatch", results=[self._result(verdict) for verdict in verdicts])

    async def Report(self, request: Any, context: Context) -> Message:  # noqa: ANN401, N802 - as above
        """Take a later fact.

        The request has the fields of the fact, and `idempotency_key` beside them.
        """
        sender, correlation_id = self._who(context)
        plain = plain_of(request)
        key = str(plain.pop("idempotency_key", ""))
        given = await self._requests.report(sender, SubmittedRecord(plain, key), correlation_id)
        return self._answer("Report", receipt=wire.receipt_to_wire(given))

    async def Get(self, request: Any, context: Context) -> Message:  # noqa: ANN401, N802 - as above
        """Return receipt and results of one reference."""
        sender, _ = self._who(context)
        receipt, found = await self._requests.get_record(sender, request.source_ref)
        results = [wire.result_to_wire(one) for one in found]
        return self._answer("Get", receipt=wire.receipt_to_wire(receipt), results=results)

    async def ListResults(self, request: Any, context: Context) -> Message:  # noqa: ANN401, N802 - as above
        """Return results after a cursor, and the next cursor."""
        sender, _ = self._who(context)
        found, cursor = await self._requests.results_after(sender, request.after_cursor, request.page_size)
        return self._answer("ListResults", results=[wire.result_to_wire(one) for one in found], next_cursor=cursor)

    async def Acknowledge(self, request: Any, context: Context) -> Message:  # noqa: ANN401, N802 - as above
        """Confirm results; returns how many are unconfirmed."""
        sender, _ = self._who(context)
        return self._answer("Acknowledge", remaining=await self._requests.acknowledge(sender, request.cursor))

    async def _refuse(self, record: SealedRecord, _request: Message, context: Context) -> NoReturn:
        sender, _ = self._who(context)
        self._sealed.refuse(sender, record)

    def _submitted(self, request: Any) -> SubmittedRecord:  # noqa: ANN401 - a request, or an item of a batch
        return SubmittedRecord(plain_of(getattr(request, self._field)), request.idempotency_key)

    def _result(self, verdict: Verdict) -> Message:
        if isinstance(verdict, Receipt):
            return self._message("ItemResult", receipt=wire.receipt_to_wire(verdict))
        return self._message("ItemResult", refusal=wire.refusal_to_wire(verdict))

    def _answer(self, call: str, **fields: Any) -> Message:  # noqa: ANN401 - of the message
        return self._message(f"{call}Response", **fields)

    def _message(self, name: str, **fields: Any) -> Message:  # noqa: ANN401 - of the message
        message: Message = getattr(self._messages, name)(**fields)
        return message

    def _who(self, context: Context) -> tuple[Sender, str]:
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        given = metadata.get("correlation-id") or metadata.get("x-correlation-id")
        if not given and "traceparent" not in metadata:
            given = structlog.contextvars.get_contextvars().get("correlation_id")
        return sender_of(current_caller()), correlation_of(given, metadata.get("traceparent"))
