"""Reads receipts and results of the bridges' gRPC."""

from __future__ import annotations

from dispute.wire.exchange.v1 import exchange_pb2
from ops.play.simulators.answers import ReceivedReceipt, ReceivedResult


def receipt_of(wire: exchange_pb2.Receipt) -> ReceivedReceipt:
    """Convert a receipt from its wire form."""
    return ReceivedReceipt(
        receipt_id=wire.receipt_id,
        source_ref=wire.source_ref,
        dispute_id=wire.dispute_id,
        stream=wire.position.stream,
        position=wire.position.position,
        repeated=wire.repeated,
    )


def result_of(wire: exchange_pb2.Result) -> ReceivedResult:
    """Convert a result from its wire form."""
    return ReceivedResult(wire.cursor, wire.source_ref, wire.status, wire.final)
