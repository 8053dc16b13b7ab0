"""Turns facts into the hand-off's messages."""

from __future__ import annotations

from datetime import date

from bridge.record import facts
from dispute.wire.handoff.v1 import handoff_pb2


def case_received(matter: facts.Matter) -> handoff_pb2.CaseReceived:
    """Return the common facts, not sealed.

    The caller adds its agency's own fields.
    """
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
        happened_on=_day(matter.happened_on),
        round=matter.round,
    )


def confidential(content: facts.Confidential, content_sha256: bytes) -> handoff_pb2.Confidential:
    """Return the part that travels only sealed.

    The plain digest of the content is part of it.
    """
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
            for party in content.parties
        ],
        brief=content.brief,
        place=content.place,
        content_sha256=content_sha256,
        subject_ref=content.subject_ref,
        accusation=content.accusation,
        happened_on=_day(content.happened_on),
    )


def put_report(
    handoff: handoff_pb2.Handoff, body: facts.LaterFactReport | facts.WithdrawalReport | facts.RulingReport
) -> None:
    """Set the hand-off's body to a later fact."""
    match body:
        case facts.LaterFactReport():
            handoff.later_fact.kind = body.kind
            handoff.later_fact.category = body.category
            handoff.later_fact.case_cause = body.case_cause
            handoff.later_fact.relation_clarity = body.relation_clarity
            handoff.later_fact.facts_clarity = body.facts_clarity
            if body.consent is not None:
                handoff.later_fact.consent.CopyFrom(_consent(body.consent))
        case facts.WithdrawalReport():
            handoff.case_withdrawn.reason_code = body.reason_code
        case facts.RulingReport():
            handoff.court_ruling.confirmed = body.confirmed
            handoff.court_ruling.reason_code = body.reason_code


def _consent(consent: facts.ConsentAnswer) -> handoff_pb2.Consent:
    return handoff_pb2.Consent(role=consent.role, answer=consent.answer, answered_on=_day(consent.answered_on))


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
