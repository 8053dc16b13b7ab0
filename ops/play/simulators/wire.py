"""Receipts and results as the gRPC edges of the bridges give them."""

from __future__ import annotations

from dispute.wire.exchange.v1 import exchange_pb2
from ops.play.simulators.answers import ReceivedReceipt, ReceivedResult


def receipt_of(wire: exchange_pb2.Receipt) -> ReceivedReceipt:
    """Read a receipt."""
    return ReceivedReceipt(
        receipt_id=wire.receipt_id,
        source_ref=wire.source_ref,
        dispute_id=wire.dispute_id,
        stream=wire.position.stream,
        position=wire.position.position,
        repeated=wire.repeated,
    )


def result_of(wire: exchange_pb2.Result) -> ReceivedResult:
    """Read a result."""
    return ReceivedResult(wire.cursor, wire.source_ref, wire.status, wire.final)
