"""Records as agencies send them, and submissions of the centre's own channels."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any, Final

from dispute.contracts.codec import timestamp_of
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from tests.year import shares
from tests.year.plots import Plot
from tests.year.townspeople import COUNTY

Body = dict[str, Any]
ANSWERS: Final = {"waits": "not_asked", "refused": "refused", "unreachable": "unreachable"}
FORMS: Final = ("letter", "visit", "online", "call")
BY_SUIT: Final = {"special_procedure": "special"}


def body_of(plot: Plot, round_: int = 1, **changes: Any) -> Body:  # noqa: ANN401 - any field of the body
    """Return the JSON body of a record.

    Args:
        plot: The record.
        round_: Which hand-over of it this is.
        changes: Fields that are otherwise in this round.
    """
    own = {"court": _suit, "police": _incident, "petition": _petition}[plot.channel](plot)
    body = own | _matter(plot) | ({"round": round_} if round_ > 1 else {})
    return body | changes


def submission_of(plot: Plot) -> intake_pb2.SubmitRequest:
    """Return a case that somebody at a window, a telephone or a handset enters."""
    matter = _matter(plot)
    facts = handoff_pb2.CaseReceived(
        received_on=plot.received_on.isoformat(),
        county_code=COUNTY,
        town_code=plot.town,
        category=plot.category,
        relation_clarity=matter["relation_clarity"],
        facts_clarity=matter["facts_clarity"],
        consents=[handoff_pb2.Consent(**each) for each in matter["consents"]],
        circumstances=matter["circumstances"],
        amount_fen=plot.amount_fen,
        persons=plot.persons,
        happened_on="" if plot.happened_on is None else plot.happened_on.isoformat(),
    )
    content = handoff_pb2.Confidential(
        parties=[handoff_pb2.Party(**party) for party in matter["parties"]],
        brief=matter["brief"],
        subject_ref=plot.subject,
    )
    return intake_pb2.SubmitRequest(
        channel=plot.channel,
        source_organ=plot.agency,
        source_ref=plot.ref,
        actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
        occurred_at=timestamp_of(plot.at.astimezone(UTC)),
        facts=facts,
        confidential=content,
    )


def _suit(plot: Plot) -> Body:
    administrative = plot.circumstance == "administrative"
    kind = "administrative" if administrative else "commercial" if plot.category == "08" else "civil"
    body = {
        "case_number": plot.ref,
        "suit_kind": kind,
        "procedure": BY_SUIT.get(plot.circumstance, plot.procedure),
        "cause_code": shares.CAUSES.get(plot.category[:2], "9"),
        "court_received_on": plot.received_on.isoformat(),
        "amount_fen": plot.amount_fen,
    }
    return body | ({"filed_on": plot.received_on.isoformat()} if plot.filed else {})


def _incident(plot: Plot) -> Body:
    found = {"noise": "harassment", "other_class": "help"}.get(plot.entry)
    traffic = plot.category == "0503"
    return {
        "incident_number": plot.ref,
        "called_at": (plot.at - timedelta(minutes=plot.number % 60)).isoformat(),
        "class_as_called": "dispute",
        "class_as_found": found or ("traffic" if traffic else "dispute"),
    }


def _petition(plot: Plot) -> Body:
    purpose = plot.circumstance if plot.circumstance in {"whistle_blowing", "suggestion"} else "request"
    return {
        "petition_number": plot.ref,
        "registered_on": plot.received_on.isoformat(),
        "purpose": purpose,
        "form": FORMS[plot.number % len(FORMS)],
        "recurrence": plot.recurrence,
        "content_class": "990000",
    }


def _matter(plot: Plot) -> Body:
    first, second = plot.roles
    not_circumstances = {"special_procedure", "administrative", "suggestion", ""}
    if plot.channel == "petition":
        not_circumstances.add("whistle_blowing")
    circumstances = [] if plot.circumstance in not_circumstances else [plot.circumstance]
    answer = ANSWERS.get(plot.entry, "given")
    clear = {"unclear": "unclear"}.get(plot.entry, "fairly_clear")
    people = [(first, plot.sides[0]), *((first, each) for each in plot.others), (second, plot.sides[1])]
    body: Body = {
        "handed_over_at": plot.at.isoformat(),
        "category": plot.category,
        "county_code": COUNTY,
        "town_code": plot.town,
        "relation_clarity": "clear",
        "facts_clarity": clear,
        "consents": [{"role": first, "answer": "given"}, {"role": second, "answer": answer}],
        "circumstances": circumstances,
        "persons": plot.persons,
        "parties": [
            {
                "role": role,
                "name": person.name,
                "id_type": "citizen_id",
                "id_number": person.id_number,
                "phone": person.phone,
            }
            for role, person in people
        ],
        "brief": "协商未果，请求调解。",
    }
    if plot.subject:
        body["subject_ref"] = plot.subject
    if plot.happened_on is not None:
        body["happened_on"] = plot.happened_on.isoformat()
    return body
