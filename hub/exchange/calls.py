"""gRPC edge of a bridge: credential, correlation, and messages to plain values; each service adds its own stubs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeAlias

import grpc
import structlog
from google.protobuf.message import Message

from hub.exchange import wire
from hub.exchange.counter import Brought, Counter, correlation_of
from hub.exchange.credentials import KeyRing
from hub.exchange.facts import Receipt, Sender, Verdict
from hub.exchange.plain import plain_of
from hub.exchange.ports import RecordT
from hub.runtime.turns import in_turns
from hub.wire.exchange.v1 import exchange_pb2

# grpc types a context by the messages of its method; what serves every method cannot name them.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Calls(Generic[RecordT]):
    """Serves the six calls of a bridge; a servicer only names its messages."""

    def __init__(self, counter: Counter[RecordT], ring: KeyRing) -> None:
        self._counter = counter
        self._ring = ring

    async def submit(self, context: Context, key: str, record: Message) -> exchange_pb2.Receipt:
        """Take one record."""
        sender, correlation_id = await self._who(context)
        given = await self._counter.submit(sender, Brought(plain_of(record), key), correlation_id)
        return wire.receipt_to_wire(given)

    async def submit_batch(self, context: Context, items: Sequence[tuple[str, Message]]) -> list[Parts]:
        """Take many records; one answer each, in order."""
        sender, correlation_id = await self._who(context)
        brought = [Brought(plain_of(record), key) async for key, record in in_turns(items)]
        return [parts_of(verdict) for verdict in await self._counter.submit_all(sender, brought, correlation_id)]

    async def report(self, context: Context, request: Message) -> exchange_pb2.Receipt:
        """Take a later fact; the request is the message with `idempotency_key` beside the fact."""
        sender, correlation_id = await self._who(context)
        plain = plain_of(request)
        key = str(plain.pop("idempotency_key", ""))
        return wire.receipt_to_wire(await self._counter.report(sender, Brought(plain, key), correlation_id))

    async def get(self, context: Context, ref: str) -> tuple[exchange_pb2.Receipt, list[exchange_pb2.Result]]:
        """Tell where one reference is."""
        sender, _ = await self._who(context)
        receipt, found = await self._counter.whereabouts(sender, ref)
        return wire.receipt_to_wire(receipt), [wire.result_to_wire(one) for one in found]

    async def list_results(self, context: Context, after: int, limit: int) -> tuple[list[exchange_pb2.Result], int]:
        """Give results after a cursor, and the cursor to ask with next."""
        sender, _ = await self._who(context)
        found, cursor = await self._counter.results_after(sender, after, limit)
        return [wire.result_to_wire(one) for one in found], cursor

    async def acknowledge(self, context: Context, cursor: int) -> int:
        """Confirm results; returns how many are unconfirmed."""
        sender, _ = await self._who(context)
        return await self._counter.acknowledge(sender, cursor)

    async def _who(self, context: Context) -> tuple[Sender, str]:
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        sender = await self._ring.sender_of(metadata.get("x-api-key"))
        told = metadata.get("correlation-id") or metadata.get("x-correlation-id")
        if not told and "traceparent" not in metadata:
            told = structlog.contextvars.get_contextvars().get("correlation_id")
        return sender, correlation_of(told, metadata.get("traceparent"))


class Parts(NamedTuple):
    """The two sides of an `ItemResult`; one is set."""

    receipt: exchange_pb2.Receipt | None = None
    refusal: exchange_pb2.Refusal | None = None


def parts_of(verdict: Verdict) -> Parts:
    """Return what an `ItemResult` says of a verdict."""
    if isinstance(verdict, Receipt):
        return Parts(receipt=wire.receipt_to_wire(verdict))
    return Parts(refusal=wire.refusal_to_wire(verdict))
