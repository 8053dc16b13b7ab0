"""Turns receipts, results and refusals into messages."""

from __future__ import annotations

from bridge.outbound.results import Result
from bridge.record import facts
from dispute.contracts.codec import timestamp_of
from dispute.contracts.receipts import receipt_note
from dispute.wire.exchange.v1 import exchange_pb2
from hub.errors import Refusal
from hub.wire.stream.v1 import stream_pb2


def receipt_to_wire(receipt: facts.Receipt) -> exchange_pb2.Receipt:
    """Return a receipt as the agencies' message."""
    return exchange_pb2.Receipt(
        receipt_id=receipt.receipt_id,
        source_ref=receipt.source_ref,
        dispute_id=receipt.dispute_id,
        content_sha256=receipt.content_sha256,
        accepted_at=timestamp_of(receipt.accepted_at),
        repeated=receipt.repeated,
        position=stream_pb2.StreamPosition(stream=receipt.stream, position=receipt.position),
        note=receipt_note(receipt.accepted_at),
        round=receipt.round,
        case_code=receipt.case_code,
    )


def result_to_wire(result: Result) -> exchange_pb2.Result:
    """Return a result as the agencies' message."""
    return exchange_pb2.Result(
        cursor=result.cursor,
        event_id=result.event_id,
        source_ref=result.source_ref,
        dispute_id=result.dispute_id,
        status=result.status,
        reason_code=result.reason_code,
        clause=result.clause,
        occurred_at=timestamp_of(result.occurred_at),
        outcome_form=result.outcome_form,
        document_sha256=result.document_sha256,
        lead_department=result.lead_department,
        final=result.final,
        due_dates=[
            exchange_pb2.DueDate(name=due.name, day=due.day, missing_year=due.missing_year, note=due.note)
            for due in result.due_dates
        ],
        supersedes=result.supersedes,
        superseded=result.superseded,
        way=result.way,
        missing=result.missing,
        opening=result.opening,
        limit=result.limit,
        case_code=result.case_code,
    )


def refusal_to_wire(refusal: Refusal) -> exchange_pb2.Refusal:
    """Return the refusal of an item of a batch."""
    return exchange_pb2.Refusal(code=refusal.code, field=refusal.field, detail=refusal.detail)
