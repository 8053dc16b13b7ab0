"""Builds the body that an agency sends.

Its fields are those of CourtCase, PoliceIncident or PetitionItem.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import SIDES, Docking

Body = dict[str, object]

REFERENCE: Final[dict[Docking, str]] = {
    Docking.COURT: "case_number",
    Docking.POLICE: "incident_number",
    Docking.PETITION: "petition_number",
}
CAUSES: Final = {"01": "11.2", "04": "30", "05": "25", "06": "10", "07": "17", "08": "10.103", "09": "58", "10": "9"}
FORMS: Final = ("letter", "visit", "online", "call")
STREETS: Final = ("东大街", "西大街", "南关村", "北滩村", "祁连路", "焉支路")


def body_of(record: Record) -> Body:
    """Return the record's JSON body.

    Times are RFC 3339, dates ISO.
    """
    match record.channel:
        case Docking.COURT:
            return _case(record) | _matter(record)
        case Docking.POLICE:
            return _incident(record) | _matter(record)
        case Docking.PETITION:
            return _petition(record) | _matter(record)


def stamp(at: datetime) -> str:
    """Return an instant as RFC 3339."""
    return at.isoformat(timespec="seconds")


def _case(record: Record) -> Body:
    return {
        "case_number": record.ref,
        "suit_kind": "commercial" if record.category == "08" else "civil",
        "procedure": record.facts.procedure,
        "cause_code": CAUSES.get(record.category[:2], "9"),
        "court_received_on": record.received_on.isoformat(),
        "amount_fen": record.amount_fen,
    }


def _incident(record: Record) -> Body:
    # The call came within the hours before the hand-over, on the day of receipt.
    called_at = max(
        record.handed_over_at - timedelta(hours=3),
        datetime.combine(record.received_on, datetime.min.time(), record.handed_over_at.tzinfo),
    )
    if called_at.date() != record.received_on:
        called_at = datetime.combine(record.received_on, called_at.timetz())
    return {
        "incident_number": record.ref,
        "called_at": stamp(called_at),
        "class_as_called": "public_security" if record.number % 5 == 0 else "dispute",
        "class_as_found": "dispute",
        "place": f"{STREETS[record.number % len(STREETS)]}{record.number % 90 + 1}号",
    }


def _petition(record: Record) -> Body:
    return {
        "petition_number": record.ref,
        "registered_on": record.received_on.isoformat(),
        "purpose": record.facts.purpose,
        "form": FORMS[record.number % len(FORMS)],
        "recurrence": "repeat" if record.number % 4 == 0 else "first",
        "content_class": "990000",
    }


def _matter(record: Record) -> Body:
    first, second = SIDES[record.channel]
    answered_on = record.received_on.isoformat()
    return {
        "handed_over_at": stamp(record.handed_over_at),
        "category": record.category,
        "county_code": record.county,
        "town_code": record.town,
        "relation_clarity": record.facts.relation,
        "facts_clarity": record.facts.facts,
        "consents": [
            {"role": role, "answer": answer} | ({"answered_on": answered_on} if answer in {"given", "refused"} else {})
            for role, answer in record.facts.consents
        ],
        "circumstances": list(record.facts.circumstances),
        "persons": 2,
        "parties": [
            {
                "role": role,
                "name": person.name,
                "id_type": "citizen_id",
                "id_number": person.id_number,
                "phone": person.phone,
                "address": f"山丹县{STREETS[(record.number + at) % len(STREETS)]}{record.number % 60 + at}号",
            }
            for at, (role, person) in enumerate(zip((first, second), record.parties, strict=True))
        ],
        "brief": f"{record.parties[0].name}与{record.parties[1].name}因纠纷协商未果，电话{record.parties[0].phone}。",
    }
