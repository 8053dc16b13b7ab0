"""Facts as the hand-off's messages, and receipts and results as the agencies' messages."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from hub.errors import Rejected, Retryable
from hub.exchange import facts
from hub.exchange.instants import to_micros
from hub.exchange.results import Result
from hub.wire.exchange.v1 import exchange_pb2
from hub.wire.handoff.v1 import handoff_pb2
from hub.wire.stream.v1 import stream_pb2


def timestamp(instant: datetime) -> Timestamp:
    """Return an aware instant as protobuf has it."""
    micros = to_micros(instant)  # Timestamp.FromDatetime comes to the same at five times the cost
    return Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def case_received(matter: facts.Matter) -> handoff_pb2.CaseReceived:
    """Return what all agencies tell alike, in clear; the caller adds its agency's own fields."""
    return handoff_pb2.CaseReceived(
        county_code=matter.county_code,
        town_code=matter.town_code,
        village_code=matter.village_code,
        grid_code=matter.grid_code,
        category=matter.category,
        relation_clarity=matter.relation_clarity,
        facts_clarity=matter.facts_clarity,
        consents=[_consent(consent) for consent in matter.consents],
        circumstances=matter.circumstances,
        persons=matter.headcount,
        scale=matter.scale,
    )


def confidential(told: facts.Confidential, content_sha256: bytes) -> handoff_pb2.Confidential:
    """Return what travels only sealed; the plain digest of the content is part of it."""
    return handoff_pb2.Confidential(
        parties=[
            handoff_pb2.Party(
                role=party.role,
                name=party.name,
                id_type=party.id_type,
                id_number=party.id_number,
                phone=party.phone,
                address=party.address,
            )
            for party in told.parties
        ],
        brief=told.brief,
        place=told.place,
        content_sha256=content_sha256,
    )


def put_report(handoff: handoff_pb2.Handoff, body: facts.LaterFact | facts.Withdrawal | facts.Ruling) -> None:
    """Set the hand-off's body to a later fact."""
    match body:
        case facts.LaterFact():
            handoff.later_fact.kind = body.kind
            handoff.later_fact.category = body.category
            handoff.later_fact.case_cause = body.case_cause
            if body.consent is not None:
                handoff.later_fact.consent.CopyFrom(_consent(body.consent))
        case facts.Withdrawal():
            handoff.case_withdrawn.reason_code = body.reason_code
        case facts.Ruling():
            handoff.court_ruling.confirmed = body.confirmed
            handoff.court_ruling.reason_code = body.reason_code


def receipt_to_wire(receipt: facts.Receipt) -> exchange_pb2.Receipt:
    """Return a receipt as the agencies' message."""
    return exchange_pb2.Receipt(
        receipt_id=receipt.receipt_id,
        source_ref=receipt.source_ref,
        dispute_id=receipt.dispute_id,
        content_sha256=receipt.content_sha256,
        accepted_at=timestamp(receipt.accepted_at),
        repeated=receipt.repeated,
        position=stream_pb2.StreamPosition(stream=receipt.stream, position=receipt.position),
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
        occurred_at=timestamp(result.occurred_at),
        outcome_form=result.outcome_form,
        document_sha256=result.document_sha256,
        lead_department=result.lead_department,
        final=result.final,
        due_dates=[
            exchange_pb2.DueDate(name=due.name, day=due.day, missing_year=due.missing_year, note=due.note)
            for due in result.due_dates
        ],
    )


def _consent(consent: facts.Consent) -> handoff_pb2.Consent:
    day = consent.answered_on.isoformat() if consent.answered_on else ""
    return handoff_pb2.Consent(role=consent.role, answer=consent.answer, answered_on=day)


def refusal_to_wire(refused: Rejected | Retryable) -> exchange_pb2.Refusal:
    """Return why an item of a batch was not accepted."""
    field = refused.field if isinstance(refused, Rejected) else ""
    return exchange_pb2.Refusal(code=refused.code, field=field, detail=refused.detail)
