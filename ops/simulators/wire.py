"""Receipts and results as the gRPC edges of the bridges give them."""

from __future__ import annotations

from dispute.wire.exchange.v1 import exchange_pb2
from ops.simulators.answers import Receipt, Result


def receipt_of(wire: exchange_pb2.Receipt) -> Receipt:
    """Read a receipt."""
    return Receipt(
        receipt_id=wire.receipt_id,
        source_ref=wire.source_ref,
        dispute_id=wire.dispute_id,
        stream=wire.position.stream,
        position=wire.position.position,
        repeated=wire.repeated,
    )


def result_of(wire: exchange_pb2.Result) -> Result:
    """Read a result."""
    return Result(wire.cursor, wire.source_ref, wire.status, wire.final)
