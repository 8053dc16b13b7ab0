"""Facts of a case, as the source recorded.

Screening reads nothing else.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import Struct

CLAIMING_ROLES = frozenset({"plaintiff", "applicant", "petitioner"})
ANSWERING_ROLES = frozenset({"defendant", "respondent"})
NOT_A_VIOLATION: Final = "not_a_violation"


class Consent(Struct, frozen=True):
    """Answer of one side about mediation.

    Attributes:
        role: plaintiff | defendant | applicant | respondent | petitioner | third_party | guardian.
        answer: given | refused | not_asked | unreachable.
        answered_on: Business day of the answer, where the source recorded it.
    """

    role: str
    answer: str
    answered_on: date | None = None


class Facts(Struct, frozen=True, tag="facts"):
    """Facts of a case, as the source recorded.

    Codes as in `hub.handoff.v1.CaseReceived`.

    Attributes:
        received_on: Receipt by the source (court_received_on, call date, petition registration); decides the regime.
        sent_on: Business day on which the source sent it to the hub.
        filed_on: Day of filing; None when the suit is not filed, and elsewhere.
        preserved_on: Day of a preservation taken before the suit; None without one.
        representatives: Petitioners who came in person.
        relation_clarity: clear | fairly_clear | unclear; empty when nobody judged it yet.
        facts_clarity: As above.
        earlier_reports: Earlier reports of the same parties about the same kind of matter.
        happened_on: Day of the event that the dispute is about; None when the source did not say.
    """

    channel: str
    received_on: date
    sent_on: date
    category: str
    case_cause: str = ""
    procedure: str = ""
    suit_kind: str = ""
    purpose: str = ""
    relation_clarity: str = ""
    facts_clarity: str = ""
    consents: tuple[Consent, ...] = ()
    circumstances: frozenset[str] = frozenset()
    filed_on: date | None = None
    preserved_on: date | None = None
    representatives: int = 0
    earlier_reports: int = 0
    happened_on: date | None = None


def without_violation(facts: Facts | None) -> bool:
    """Tell whether the police found that there was no violation: then nothing is punished."""
    return facts is not None and NOT_A_VIOLATION in facts.circumstances
